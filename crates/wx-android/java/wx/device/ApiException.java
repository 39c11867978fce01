package wx.device;

/** A failure that scripts are told: its message follows {@code <api>:fail } in their {@code errMsg}. */
public class ApiException extends Exception {
    private static final long serialVersionUID = 1;

    private final String kind;
    private final Integer code;

    /** A failure without a code. */
    public ApiException(String kind, String reason) {
        this(kind, null, reason);
    }

    /**
     * A failure.
     *
     * @param kind what sort of failure: {@code unsupported}, {@code parameter}, {@code denied}, {@code cancelled}, {@code timeout},
     *     {@code session}, {@code unavailable}, {@code refused}, {@code outcomeUnknown} or {@code internal}
     * @param code its documented code, or null
     * @param reason what a script is told
     */
    public ApiException(String kind, Integer code, String reason) {
        super(reason);
        this.kind = kind;
        this.code = code;
    }

    /** What sort of failure it is. */
    public String kind() {
        return kind;
    }

    /** Its documented code, or null. */
    public Integer code() {
        return code;
    }
}
