import { columns, openStack, spec } from "./firehose-stack.ts";

// A process to be killed: `node firehose-child.ts <dir>` serves the stream `quotes` and prints its URL.
const stack = await openStack(process.argv[2]!);
stack.tables.set("db.quotes_raw", columns);
stack.service.create(spec(), "lake");
console.log(stack.url);
