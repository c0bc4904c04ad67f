// Dead letters, by verb: what is asked for, a look, a second try, and the way back.
export { archive } from "./archive.ts";
export { check, type DlqOptions, type Letterbox, landed } from "./choice.ts";
export { list, show } from "./list.ts";
export { replay } from "./replay.ts";
export { listReplays } from "./replays.ts";
export { undo, undoable } from "./undo.ts";
