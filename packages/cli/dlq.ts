export { check, type DlqOptions, type Letterbox, landed } from "./dlq-choice.ts";
export { list, show } from "./dlq-list.ts";
export { replay } from "./dlq-replay.ts";
export { listReplays, undo, undoable } from "./dlq-undo.ts";
