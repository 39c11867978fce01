package wx.device;

import java.util.Objects;

/**
 * Serves a {@link Backend} to the hosts that were paired with it. Any number may run in a process.
 *
 * <p>Every method may be called from any thread. Once an agent was stopped they all throw {@link IllegalStateException}.
 */
public final class Agent {
    static {
        System.loadLibrary("wx_android");
    }

    private final long handle;

    private Agent(long handle) {
        this.handle = handle;
    }

    /**
     * Starts an agent.
     *
     * @param backend what it serves
     * @param folder where it keeps its keys, whom it was paired with, and its journal; it belongs to this agent alone
     * @param name what hosts call the device
     * @param listen where it waits for hosts: {@code tcp://0.0.0.0:7411}, with port 0 for any, or {@code unix:///PATH}
     * @throws IllegalStateException it cannot start: why
     * @throws IllegalArgumentException {@code listen} is no such address, or the backend supports an API that there is not
     */
    public static Agent start(Backend backend, String folder, String name, String listen) {
        Objects.requireNonNull(backend, "backend");
        Objects.requireNonNull(folder, "folder");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(listen, "listen");
        String[] supported = Objects.requireNonNull(backend.supported(), "supported()");
        return new Agent(begin(backend, supported, folder, name, listen));
    }

    /** Where it waits for hosts, with the port it got. */
    public String address() {
        return address(handle);
    }

    /**
     * Lets one host pair, once.
     *
     * @param address where the host reaches the agent, such as {@code tcp://192.168.1.7:7411}
     * @param seconds for how long the invitation is good
     * @return the invitation, to be shown as text or as a QR code. It has a secret in it.
     */
    public String pair(String address, int seconds) {
        return pair(handle, Objects.requireNonNull(address, "address"), seconds);
    }

    /**
     * Takes back that a host was paired: it is served no more.
     *
     * @param nameOrKey what it called itself, or its key
     * @return how many hosts that were
     */
    public int revoke(String nameOrKey) {
        return revoke(handle, Objects.requireNonNull(nameOrKey, "nameOrKey"));
    }

    /**
     * Tells everybody who listens for this mini-program. It does not wait for them.
     *
     * @param app the mini-program
     * @param event the name of the event, such as {@code "onHCEMessage"}
     * @param payload what happened, as JSON
     * @throws IllegalArgumentException there is no such event, or its payload is another
     */
    public void emit(String app, String event, String payload) {
        Objects.requireNonNull(app, "app");
        Objects.requireNonNull(event, "event");
        emit(handle, app, event, Objects.requireNonNull(payload, "payload"));
    }

    /** Says goodbye to every host and ends. Calls under way are interrupted. */
    public void stop() {
        stop(handle);
    }

    private static native long begin(Backend backend, String[] supported, String folder, String name, String listen);

    private static native String address(long handle);

    private static native String pair(long handle, String address, int seconds);

    private static native int revoke(long handle, String nameOrKey);

    private static native void emit(long handle, String app, String event, String payload);

    private static native void stop(long handle);

    /**
     * Native code calls it. The result alone; or, of a failure, its kind, its code or null, and its reason. Nothing comes out of it as
     * an exception.
     */
    private static String[] invoke(Backend backend, String api, String context, String args) {
        try {
            return new String[] {backend.invoke(api, context, args)};
        } catch (ApiException failure) {
            String code = failure.code() == null ? null : failure.code().toString();
            return new String[] {failure.kind(), code, failure.getMessage()};
        } catch (Throwable thrown) {
            // Its message may have anything in it; scripts need not know.
            return new String[] {"internal", null, "internal error: the backend threw " + thrown.getClass().getName()};
        }
    }
}
