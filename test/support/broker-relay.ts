// Stands where the daemon stands: started by the broker, it passes the broker's connection on to whoever connects to its socket.
// Arguments: path of the socket to listen on.
import { rmSync } from 'node:fs';
import { createServer, Socket } from 'node:net';

const [, , path = ''] = process.argv;
const broker = new Socket({ fd: Number(process.env.SQUASH_BROKER_FD), readable: true, writable: true });
broker.on('close', () => process.exit(0));
broker.on('error', () => process.exit(1));

const server = createServer((test) => {
  // One at a time, like the daemon itself; its successor gets a fresh broker connection by this process's end.
  server.close();
  test.pipe(broker);
  broker.pipe(test);
  test.on('close', () => process.exit(0));
  test.on('error', () => process.exit(1));
});
// A predecessor that was killed left its own.
rmSync(path, { force: true });
server.listen(path);
process.on('SIGTERM', () => process.exit(0));
