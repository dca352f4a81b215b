// Loaded into a daemon by `node --import`: a flush of this kind (`sync`, `datasync`) succeeds without reaching the disk.
import { open } from 'node:fs/promises';

await using file = await open('/dev/null');
Object.getPrototypeOf(file)[process.env.SQUASH_TEST_UNFLUSHED] = async () => {};
