"""A daemon that was taken over. The broker starts it as the user squash, with its connection on descriptor 3.

hostile-daemon.py PLAN.json: each life talks for a while and breaks the protocol at its end; the last one tries the same
operations without tricks, gives everything back and prints what it has seen as one line of JSON.
"""

import ctypes
import errno
import hashlib
import json
import os
import random
import select
import socket
import struct
import sys
import threading
import time

HEADER = struct.Struct("<IHHII")
OUTCOME = struct.Struct("<II112s")
PROBE, PUBLISH, ATTACH, DETACH, VERIFY, REMOVE, MAKE, UPPER_ATTACH, DROP, UPPER_STATS, START, STOP, KILL, STATS, LIST, READY = range(1, 17)
EVENT = 0xC001
AHEAD = 24  # questions without an answer yet
KEYS = [bytes([n]) * 8 for n in range(1, 5)]
NUMBERS = [0, 1, 2, 3, 127, 128, 129, 255, 4095, 4096, 2**31 - 1, 2**31, 2**32 - 1]
HUGE = NUMBERS + [2**40, 2**44, 2**44 + 1, 2**62, 2**63 - 1, 2**63, 2**64 - 4096, 2**64 - 1]
CALLS = {
    "x86_64": {"bpf": 321, "kexec_load": 246, "init_module": 175, "io_uring_setup": 425, "keyctl": 250, "perf_event_open": 298, "userfaultfd": 323},
    "aarch64": {"bpf": 280, "kexec_load": 104, "init_module": 105, "io_uring_setup": 425, "keyctl": 219, "perf_event_open": 241, "userfaultfd": 282},
}
NAMES = [b"..", b"../canary/mine", b"a/b", b"/etc/passwd", b"000-../x", b"100-a\n", b"100-%n%s", b"\xff\xfe", b"", b"100-" + b"x" * 124, b"x" * 64]


class Broker:
    def __init__(self):
        self.socket = socket.socket(fileno=int(os.environ["SQUASH_BROKER_FD"]))
        self.bytes = b""
        self.asked = 0
        self.waiting = {}
        self.errors = {}

    def send(self, op, body, tag=None):
        self.asked += 1
        self.waiting[self.asked] = tag
        self.raw(HEADER.pack(16 + len(body), 1, op, self.asked, 0) + body)
        return self.asked

    def raw(self, data):
        view = memoryview(data)
        while view:
            # Reads while it writes: the broker answers while it is asked.
            _, writable, _ = select.select([], [self.socket], [], 0.05)
            if writable:
                view = view[self.socket.send(view[:4096]):]
            else:
                self.read(0)

    def read(self, timeout):
        """One answer as (id, op, errno, payload), or None."""
        while True:
            if len(self.bytes) >= 4:
                (length,) = struct.unpack_from("<I", self.bytes)
                assert 136 <= length <= 65536, length
                if len(self.bytes) >= length:
                    frame, self.bytes = self.bytes[:length], self.bytes[length:]
                    return self.judge(frame)
            if not select.select([self.socket], [], [], timeout)[0]:
                return None
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("the broker ended the connection")
            self.bytes += data

    def judge(self, frame):
        length, version, op, number, reserved = HEADER.unpack_from(frame)
        error, step, text = OUTCOME.unpack_from(frame, 16)
        assert version == 1 and reserved == 0 and op & 0x8000, frame[:16]
        assert (error == 0) == (step == 0), (op, error, step)
        assert text[-1] == 0 and all(c == 0 or 32 <= c < 127 for c in text), text
        assert error == 0 or length == 136, "a payload with an error"
        if op != EVENT:
            assert number in self.waiting, f"an answer to {number}, which was not asked or had one"
            del self.waiting[number]
            name = errno.errorcode.get(error, str(error)) if error else "done"
            self.errors[name] = self.errors.get(name, 0) + 1
        return number, op & 0x3FFF, error, frame[136:]

    def call(self, op, body=b""):
        """Asks and waits for this answer; asks again what is busy."""
        while True:
            number = self.send(op, body)
            while True:
                answer = self.read(60)
                assert answer, f"no answer to operation {op}"
                if answer[0] == number:
                    break
            if answer[2] not in (errno.EBUSY, errno.EAGAIN):
                return answer[2], answer[3]
            time.sleep(0.01)


def name(text, width):
    return text[:width].ljust(width, b"\0")


def publish(staged, layer, digest, sidecar_bytes, flags=1):
    return name(staged, 128) + name(layer, 136) + digest + struct.pack("<II", flags, sidecar_bytes)


def start(label, upper, layers, hostname=b"box"):
    return label + upper + name(hostname, 72) + struct.pack("<QIIII", 64 << 20, 1000, 64, 0, len(layers)) + b"".join(layers)


def stage(plan, staged, content):
    """A whole file under its name at once, and its sidecar; returns digest and length of the sidecar."""
    folder = os.path.join(plan["data"], "staging")
    digest = hashlib.sha256(content).digest()
    sidecar = json.dumps({"sha256": digest.hex()}).encode()
    for end, data in ((".json", sidecar), (".squashfs", content)):
        temporary = os.path.join(folder, f".{staged}{end}")
        with open(temporary, "wb") as file:
            file.write(data)
        os.rename(temporary, os.path.join(folder, staged + end))
    return digest, len(sidecar)


def valid_request(plan, dice):
    base = bytes.fromhex(plan["base"])
    key, upper = dice.choice(KEYS), dice.choice(KEYS)
    op = dice.choice([PROBE, PUBLISH, PUBLISH, ATTACH, ATTACH, DETACH, VERIFY, REMOVE, MAKE, MAKE, UPPER_ATTACH, DROP, UPPER_STATS, START, START, STOP, KILL, STATS, LIST, READY])
    if op in (PROBE, READY):
        return op, b""
    if op == PUBLISH:
        content = b"bytes of layer %d" % dice.randrange(4)
        digest, length = stage(plan, "good", content)
        return op, publish(b"good", b"10%d-a" % dice.randrange(4), digest, length, dice.randrange(2))
    if op in (ATTACH, DETACH, VERIFY, REMOVE):
        return op, dice.choice([base, base, bytes(32)])
    if op == MAKE:
        return op, upper + struct.pack("<IIQQ", dice.choice([1, 2, 2, 2]), dice.randrange(2), 16 << 20, 0)
    if op == START:
        return op, start(key, upper, [base] * dice.choice([1, 1, 1, 2]))
    if op == KILL:
        return op, key + struct.pack("<II", dice.choice([0, 1, 2, 2**32 - 1]), 0)
    if op == LIST:
        return op, struct.pack("<II", dice.randrange(1, 4), dice.choice([0, 1, 2**32 - 1]))
    return op, upper if op in (UPPER_ATTACH, DROP, UPPER_STATS) else key


def mutate(body, dice):
    body = bytearray(body)
    for _ in range(dice.randrange(1, 4)):
        trick = dice.randrange(6)
        if trick == 0 and body:
            body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
        elif trick == 1 and len(body) >= 4:
            struct.pack_into("<I", body, 4 * dice.randrange(len(body) // 4), dice.choice(NUMBERS))
        elif trick == 2 and len(body) >= 8:
            struct.pack_into("<Q", body, 4 * dice.randrange(len(body) // 4 - 1), dice.choice(HUGE))
        elif trick == 3 and len(body) > 100:
            at, text = dice.choice([0, 16, 128]), dice.choice(NAMES)
            body[at:at + len(text) + 1] = text + b"\0"
        elif trick == 4:
            del body[dice.randrange(len(body) + 1):]
        else:
            body += bytes(dice.choice([1, 4, 32, 4096]))
    return bytes(body[:8000])


def last_words(dice):
    """A header that cannot be right."""
    return dice.choice([
        HEADER.pack(15, 1, PROBE, 1, 0), HEADER.pack(8193, 1, PROBE, 1, 0), HEADER.pack(2**32 - 1, 1, PUBLISH, 1, 0),
        HEADER.pack(16, 1, PROBE | 0x8000, 1, 0), bytes(16), os.urandom(3) + b"\xff" * 61,
    ])


def talk(broker, plan, dice):
    for _ in range(plan["frames"]):
        op, body = valid_request(plan, dice)
        if dice.random() < 0.6:
            body = mutate(body, dice)
        if dice.random() < 0.02:
            op = dice.randrange(0x8000)
        broker.send(op, body)
        while len(broker.waiting) > AHEAD:
            assert broker.read(60), "no answer for a minute"
        while broker.read(0):
            pass


def traps(plan, content, own):
    """What takes the place of a staged file, again and again; `own` sets the names of two threads apart."""
    folder = os.path.join(plan["data"], "staging")
    path, aside = os.path.join(folder, "race.squashfs"), os.path.join(folder, f".aside{own}")
    canary = plan["canary"]

    def clear(name):
        try:
            os.unlink(name)
        except IsADirectoryError:
            os.rmdir(name)
        except FileNotFoundError:
            pass

    def put(make):
        clear(aside)
        made = make()
        if os.path.isdir(path) or os.path.isdir(aside):
            clear(path)
        os.rename(aside, path)
        return made

    def whole():
        file = open(aside, "xb+", buffering=0)
        file.write(content)
        return file

    def writer():
        with put(whole) as file:
            time.sleep(random.random() / 2000)
            file.seek(0)
            file.write(b"X")

    def kept_name():
        put(whole).close()
        os.link(path, f"{canary}/drop/{time.monotonic_ns()}-{own}")

    return [
        writer,
        kept_name,
        *[lambda: put(whole).close()] * 4,
        lambda: put(lambda: os.symlink(f"{canary}/secret", aside)),
        lambda: put(lambda: os.symlink(f"{canary}/open", aside)),
        lambda: put(lambda: os.link(f"{canary}/mine", aside)),
        lambda: put(lambda: os.mkfifo(aside)),
        lambda: put(lambda: os.mkdir(aside)),
    ]


def swap(broker, plan, dice):
    """PUBLISH over and over while the staged file changes; what was taken in must have its digest."""
    content = dice.randbytes(200_000)
    digest, length = stage(plan, "race", content)
    stop = threading.Event()

    def loop(own):
        tricks, choose = traps(plan, content, own), random.Random(plan["seed"] + own)
        while not stop.is_set():
            try:
                choose.choice(tricks)()
            except OSError:
                pass  # a name that another trick has taken

    threads = [threading.Thread(target=loop, args=(own,)) for own in range(2)]
    for thread in threads:
        thread.start()
    done = 0
    try:
        for _ in range(plan["swaps"]):
            with open(os.path.join(plan["data"], "staging", "race.json"), "w") as file:
                file.write(json.dumps({"sha256": digest.hex()}))
            error, _ = broker.call(PUBLISH, publish(b"race", b"200-race", digest, length))
            done += error == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return done


def reach_out(plan):
    """What the user squash itself may not do to the state root: names of what it could."""
    data, could = plan["data"], []

    def attempt(what, act):
        try:
            act()
            could.append(what)
        except OSError as error:
            assert error.errno in (errno.EACCES, errno.EPERM), (what, error)

    attempt("rename modules", lambda: os.rename(f"{data}/modules", f"{data}/modules2"))
    attempt("link in modules", lambda: os.symlink("/etc", f"{data}/modules/sha256x"))
    attempt("rename staging", lambda: os.rename(f"{data}/staging", f"{data}/staging2"))
    attempt("make in the state root", lambda: os.mkdir(f"{data}/x"))
    attempt("list uppers", lambda: os.listdir(f"{data}/uppers"))
    attempt("read stamps", lambda: os.listdir(f"{data}/modules/.stamps"))
    attempt("unlink a layer", lambda: os.unlink(f"{data}/modules/000-base-test.json"))
    attempt("write a layer", lambda: open(f"{data}/modules/000-base-test.squashfs", "r+b"))
    attempt("make in the run folder", lambda: os.mkdir(f"{os.environ['SQUASH_RUN']}/x"))
    attempt("see the broker's mounts", lambda: os.listdir(f"{os.environ['SQUASH_RUN']}/m"))
    attempt("signal the broker", lambda: os.kill(os.getppid(), 0))
    attempt("read the broker's memory", lambda: open(f"/proc/{os.getppid()}/mem", "rb"))
    # Out of the reach of whatever the broker starts, by their numbers on x86-64 and on arm64.
    libc, calls = ctypes.CDLL(None, use_errno=True), CALLS[os.uname().machine]
    for call, number in calls.items():
        ctypes.set_errno(0)
        if libc.syscall(number, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != errno.ENOSYS:
            could.append(f"reach {call}: errno {ctypes.get_errno()}")
    return could


def entries(broker, kind, size):
    found = []
    while True:
        error, payload = broker.call(LIST, struct.pack("<II", kind, len(found)))
        assert error == 0, error
        total, count = struct.unpack_from("<II", payload)
        found += [payload[8 + i * size:8 + (i + 1) * size] for i in range(count)]
        if len(found) >= total:
            return found


def give_back(broker):
    for entry in entries(broker, 1, 16):
        assert broker.call(STOP, entry[:8])[0] == 0
    for entry in entries(broker, 2, 16):
        assert broker.call(DROP, entry[:8])[0] == 0
    for entry in entries(broker, 3, 32):
        assert broker.call(DETACH, entry)[0] == 0
    assert not entries(broker, 1, 16) and not entries(broker, 2, 16) and not entries(broker, 3, 32)


def plain_life(broker, plan):
    """After all that, an honest daemon gets what it asks for."""
    base, upper, label = bytes.fromhex(plan["base"]), b"honestup", b"honestbx"
    for op, body in ((ATTACH, base), (MAKE, upper + struct.pack("<IIQQ", 1, 0, 16 << 20, 0)), (START, start(label, upper, [base]))):
        error, _ = broker.call(op, body)
        assert error == 0, (op, os.strerror(error))
    error, payload = broker.call(STATS, label)
    assert error == 0 and len(payload) == 40, error
    give_back(broker)


def main():
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    life = len(os.listdir(plan["lives"]))
    open(os.path.join(plan["lives"], str(life)), "w").close()
    broker, dice = Broker(), random.Random(plan["seed"] + life)
    broker.call(READY)
    could = reach_out(plan)
    if life < plan["life_count"]:
        talk(broker, plan, dice)
        with open(os.path.join(plan["lives"], str(life)), "w") as file:
            json.dump({"asked": broker.asked, "errors": broker.errors, "could": could}, file)
        broker.raw(last_words(dice))
        time.sleep(60)  # until the broker ends this process
        raise AssertionError("the broker lets a header pass that cannot be right")
    give_back(broker)
    published = swap(broker, plan, dice)
    plain_life(broker, plan)
    print(json.dumps({"published": published, "could": could}), flush=True)
    while broker.read(None):
        pass


main()
