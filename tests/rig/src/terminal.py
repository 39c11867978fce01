"""A program with a card reader: a line in, a line out. The reader is the first whose name begins with the first argument."""

import sys

from smartcard.scard import *

SHORT_OF_SENDING = (SCARD_W_RESET_CARD, SCARD_W_REMOVED_CARD)
PROTOCOLS = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1


class Failed(Exception):
    pass


def must(answer):
    code, *rest = answer if isinstance(answer, (list, tuple)) else [answer]
    if code != SCARD_S_SUCCESS:
        raise Failed(SCardGetErrorMessage(code))
    return rest


class Reader:
    def __init__(self, name):
        (self.context,) = must(SCardEstablishContext(SCARD_SCOPE_USER))
        (readers,) = must(SCardListReaders(self.context, []))
        self.name = next(reader for reader in readers if reader.startswith(name))
        self.card = None

    def wait(self, present):
        """Blocks until a card is there, or is not."""
        seen = SCARD_STATE_UNAWARE
        while True:
            (states,) = must(SCardGetStatusChange(self.context, INFINITE, [(self.name, seen)]))
            (_, seen, _), = states
            if present and seen & SCARD_STATE_PRESENT and not seen & SCARD_STATE_MUTE:
                return
            if not present and seen & SCARD_STATE_EMPTY:
                return
            seen &= ~SCARD_STATE_CHANGED

    def transmit(self, command):
        """The response, or None when the card went away. One that was reset or changed earlier is connected to anew."""
        for _ in range(2):
            if self.card is None:
                code, card, self.protocol = SCardConnect(self.context, self.name, SCARD_SHARE_SHARED, PROTOCOLS)
                if code != SCARD_S_SUCCESS:
                    return None
                self.card = card
            pci = SCARD_PCI_T0 if self.protocol == SCARD_PROTOCOL_T0 else SCARD_PCI_T1
            code, response = SCardTransmit(self.card, pci, command)
            if code == SCARD_S_SUCCESS and response:
                return response
            # A response has two bytes at least: without any, vpcd says that the card went away.
            self.let_go(SCARD_LEAVE_CARD)
            if code not in SHORT_OF_SENDING:
                return None
        return None

    def let_go(self, how):
        if self.card is not None:
            SCardDisconnect(self.card, how)
            self.card = None


def main():
    reader = Reader(sys.argv[1])
    print("ready", flush=True)
    for line in sys.stdin:
        what, *rest = line.split()
        answer = "ok"
        if what == "send":
            response = reader.transmit(list(bytes.fromhex("".join(rest))))
            answer = "none" if response is None else "got " + bytes(response).hex()
        elif what == "present":
            reader.wait(True)
        elif what == "absent":
            reader.wait(False)
        elif what == "unpower":
            reader.let_go(SCARD_UNPOWER_CARD)
        elif what == "reset":
            reader.let_go(SCARD_RESET_CARD)
        elif what == "time":
            answer = "got " + time(reader, int(rest[0]), list(bytes.fromhex(rest[1])))
        print(answer, flush=True)


def time(reader, rounds, command):
    """How long a round trip of this command takes in the middle, in nanoseconds: through libpcsclite itself, and through pyscard."""
    trips = (bare(reader, command), lambda: SCardTransmit(reader.card, SCARD_PCI_T1, command))
    return "".join(f"{middle(rounds, trip):016x}" for trip in trips)


def middle(rounds, trip):
    from time import perf_counter_ns

    taken = []
    for _ in range(rounds):
        begin = perf_counter_ns()
        answer = trip()
        taken.append(perf_counter_ns() - begin)
        must(answer)
    return sorted(taken)[rounds // 2]


def bare(reader, command):
    """The same round trip without pyscard, which makes a list of every byte: one call of the C function, all arguments ready."""
    import ctypes

    library = ctypes.CDLL("libpcsclite.so.1")  # the one pyscard has loaded, and with it this program's connection
    pci = ctypes.c_ubyte.in_dll(library, "g_rgSCardT1Pci")
    out, back = (ctypes.c_ubyte * len(command))(*command), (ctypes.c_ubyte * 65538)()
    length = ctypes.c_ulong()
    transmit = library.SCardTransmit
    transmit.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p] + 2 * [ctypes.c_void_p]
    ready = (reader.card, ctypes.byref(pci), out, len(command), None, back, ctypes.byref(length))

    def send():
        length.value = len(back)
        return transmit(*ready)

    return send


try:
    main()
except (Failed, StopIteration) as error:
    sys.exit(f"{type(error).__name__} {error}")
