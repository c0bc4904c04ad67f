import io.starburst.openjson.JSONObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hive.serde2.objectinspector.ObjectInspectorUtils;
import org.apache.hadoop.hive.serde2.objectinspector.StructField;
import org.apache.hadoop.hive.serde2.objectinspector.StructObjectInspector;
import org.apache.hadoop.io.Text;
import org.openx.data.jsonserde.JsonSerDe;

/**
 * What the OpenX JSON SerDe makes of a document. Lines in: the columns' names, their types (both separated by commas, as
 * Hive's table properties have them), then one document each, in base64. Lines out: one JSON object for each document,
 * {"values": [text or null]} with an {"error"} in the place of a value that fails, or {"error"} for the document.
 */
public class Oracle {
  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    PrintStream out = new PrintStream(System.out, false, "UTF-8");
    Properties table = new Properties();
    table.setProperty("columns", in.readLine());
    table.setProperty("columns.types", in.readLine().replace(',', ':').replaceAll("\\((\\d+):(\\d+)\\)", "($1,$2)"));
    JsonSerDe serde = new JsonSerDe();
    serde.initialize(new Configuration(false), table);
    StructObjectInspector inspector = (StructObjectInspector) serde.getObjectInspector();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      out.println(answer(serde, inspector, new Text(Base64.getDecoder().decode(line))));
      if (!in.ready()) out.flush();
    }
    out.flush();
  }

  private static String answer(JsonSerDe serde, StructObjectInspector inspector, Text document) {
    try {
      Object row = serde.deserialize(document);
      List<String> values = new ArrayList<>();
      for (StructField field : inspector.getAllStructFieldRefs()) values.add(value(inspector, row, field));
      return "{\"values\":[" + String.join(",", values) + "]}";
    } catch (Exception | Error error) {
      return failure(error);
    }
  }

  private static String value(StructObjectInspector inspector, Object row, StructField field) {
    try {
      Object data = inspector.getStructFieldData(row, field);
      Object plain = ObjectInspectorUtils.copyToStandardJavaObject(data, field.getFieldObjectInspector());
      return plain == null ? "null" : JSONObject.quote(plain.toString());
    } catch (Exception | Error error) {
      return failure(error);
    }
  }

  private static String failure(Throwable error) {
    return "{\"error\":" + JSONObject.quote(error.getClass().getSimpleName() + ": " + error.getMessage()) + "}";
  }
}
