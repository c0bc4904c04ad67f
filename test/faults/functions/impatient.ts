/**
 * The real handlers, impatient: what they wait for silence and between attempts is measured in ms here, in minutes on
 * AWS. A test has to see the waits' ends, not their length.
 */
process.env.PREGAO_SILENT_MS = "1500";
const random = Math.random;
/** Every back-off, ours and the SDK's, is a random share of a bound. */
Math.random = () => random() * 0.02;
