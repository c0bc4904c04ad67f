import type { Reading } from "../../packages/aws/inventory.ts";
import type { Document } from "./cloudcontrol.ts";

/** Documents as the inventory gives them: keys by alias, mappings by their queue. */
export const documentsOf = (all: readonly Document[]) => ({
  get: ({ type, id }: { type: string; id: string }): Reading => {
    const of = all.filter((one) => one.type === type);
    if (type === "AWS::Lambda::EventSourceMapping") {
      const [first, ...others] = of.filter(({ properties }) => properties.EventSourceArn === id);
      const Others = others.map(({ properties }) => properties.FunctionName);
      return first ? { is: "there", properties: { ...first.properties, Others } } : { is: "absent" };
    }
    const found = of.find((one) => one.id === id || type === "AWS::KMS::Key");
    return found ? { is: "there", properties: found.properties } : { is: "absent" };
  },
});
