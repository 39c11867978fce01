# Answers the dialogs of a keyring as a user would, by the prompter that libgcr has for tests. Says on which name of the bus it does so, then
# takes a line for every dialog that is to come: a password to type, or nothing to close it. `hesitate` leaves all that follow open for an hour.
import ctypes
import sys

gcr = ctypes.CDLL("libgcr-base-3.so.1")
gcr.gcr_mock_prompter_start.restype = ctypes.c_char_p
print(gcr.gcr_mock_prompter_start().decode(), flush=True)
for line in sys.stdin:
    password = line.rstrip("\n").encode()
    if password == b"hesitate":
        gcr.gcr_mock_prompter_set_delay_msec(3_600_000)
    elif password:
        gcr.gcr_mock_prompter_expect_password_ok(password, None)
    else:
        gcr.gcr_mock_prompter_expect_password_cancel()
    print("expected", flush=True)
