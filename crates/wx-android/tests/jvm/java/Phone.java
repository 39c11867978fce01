import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import wx.device.Agent;
import wx.device.ApiException;
import wx.device.Backend;

/** A device that does what the name of the calling app says, and a program that is told by its input what to do with the agent. */
public final class Phone implements Backend {
    private final String[] supported;

    private Phone(String[] supported) {
        this.supported = supported;
    }

    @Override
    public String[] supported() {
        return supported;
    }

    @Override
    public String invoke(String api, String context, String args) throws Exception {
        String app = context.replaceFirst("^.*\"app\":\"([^\"]*)\".*$", "$1");
        switch (app) {
            case "echoes":
                return "{\"code\":" + quoted(api + " " + context + " " + args) + "}";
            case "answers":
                return "{\"code\":\"" + (Thread.currentThread().isInterrupted() ? "interrupted" : "calm") + "\"}";
            case "refuses":
                throw new ApiException("session", -13001, "no session here");
            case "refuses oddly":
                throw new ApiException("odd", null, null);
            case "throws":
                throw new IllegalStateException("a secret");
            case "overflows":
                return Integer.toString(overflow(0));
            case "says null":
                return null;
            case "says garbage":
                return "{\"code\":";
            case "waits":
                say("! waiting");
                try {
                    new CountDownLatch(1).await();
                    return null;
                } catch (InterruptedException interrupted) {
                    say("! interrupted");
                    Thread.currentThread().interrupt(); // as is the custom
                    throw interrupted;
                }
            default:
                throw new AssertionError(app);
        }
    }

    private static int overflow(int depth) {
        return overflow(depth + 1) + 1;
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static Agent agent;

    private static String obey(String[] words) {
        switch (words[0]) {
            case "start":
                agent = Agent.start(new Phone(words[1].split(" ")), words[2], "phone", words[3]);
                return agent.address();
            case "pair":
                return agent.pair(words[1], Integer.parseInt(words[2]));
            case "revoke":
                return Integer.toString(agent.revoke(words[1]));
            case "emit":
                agent.emit(words[1], words[2], words[3]);
                return "";
            case "address":
                return agent.address();
            case "stop":
                agent.stop();
                return "";
            default:
                throw new AssertionError(words[0]);
        }
    }

    public static void main(String[] none) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                say("= " + obey(line.split("\t", -1)));
            } catch (Exception thrown) {
                say("= threw " + thrown);
            }
        }
    }
}
