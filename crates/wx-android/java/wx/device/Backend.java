package wx.device;

/** What a device can do: an app implements it, and {@link Agent} serves it. Both methods may be called from any thread. */
public interface Backend {
    /**
     * The names of the APIs and events that are there, such as {@code "login"} and {@code "onHCEMessage"}. Asked once, when the
     * agent starts. APIs that need a user's consent are only there if {@code "authorize"} is, too: it is called first.
     */
    String[] supported();

    /**
     * Answers one call. Other calls are answered in other threads meanwhile. When nobody waits for the answer any more, the
     * thread is interrupted.
     *
     * @param api the name of the API
     * @param context who calls, as JSON: {@code app}, {@code user}, {@code launch}, {@code profile}, and, if the answer is of no
     *     use later, {@code deadline} in milliseconds since 1970
     * @param args the parameters, as JSON
     * @return the result, as JSON, without {@code errMsg}
     * @throws ApiException a failure that scripts are told
     * @throws Exception any other; scripts are told that it was an internal error, and of which class
     */
    String invoke(String api, String context, String args) throws Exception;
}
