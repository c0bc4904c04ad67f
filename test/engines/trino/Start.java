/** Starts Trino's server: its own launcher is not published as a Maven artifact. */
public class Start {
  public static void main(String[] arguments) {
    new io.trino.server.Server().start("435");
  }
}
