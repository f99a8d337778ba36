"""A program on the same store as the tests: a process of its own, to be raced, forked, interrupted and killed.

It reads one line of JSON (its settings) and answers in lines of JSON. The modes are functions of this module, and of
`interrupted_program` for those that signals, cancellation or a kill interrupt.
"""

import atexit
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import httpx

import krebit
from krebit import FileTokenStore, Krebit, MemoryTokenStore, TokenStore
from krebit.config import UncheckedSettings, check_settings
from krebit.errors import KrebitError
from krebit.http.transports import TransportFactory
from krebit.oauth.session import TokenSession
from krebit.redaction import Secret
from krebit.stores import Login, LoginKey


def say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def hear() -> Any:
    return json.loads(sys.stdin.readline())


def stored(given: dict[str, Any]) -> str | None:
    settings = given["settings"]
    login = FileTokenStore(given["folder"]).load(LoginKey(settings["domain"], settings["client_id"]))
    return login.refresh_token.reveal() if login is not None and login.refresh_token is not None else None


def store_of(given: dict[str, Any]) -> TokenStore:
    """The store that all share: files, or a server's."""
    if "store" not in given:
        return FileTokenStore(given["folder"])
    kind, address, options = given["store"]
    store: TokenStore = getattr(krebit, kind)(address, **options)
    return store


def client(given: dict[str, Any], **options: Any) -> Krebit:
    settings: dict[str, Any] = {**given["settings"], "store": store_of(given), **options}
    return Krebit(**settings)


def session(given: dict[str, Any], refresh_token: str | None = None) -> tuple[TokenSession, httpx.BaseTransport]:
    """A token session without a client around it, and its transport."""
    settings = given["settings"]
    checked = check_settings(
        UncheckedSettings(
            settings["domain"],
            settings["client_id"],
            Secret(settings["client_secret"]),
            refresh_token=Secret(refresh_token),
        ),
        plain_http=True,
    )
    transport = TransportFactory(checked.origin, None, Secret(None)).blocking(None)
    return TokenSession(checked, FileTokenStore(given["folder"]), lambda: transport, user_agent="test"), transport


def outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except KrebitError as error:
        return type(error).__name__
    return "ok"


def calls(given: dict[str, Any]) -> None:
    """So many calls, all at once with the other processes'."""
    with client(given) as api:
        say("ready")
        hear()
        say([outcome(api.get_current_user) for _ in range(given["calls"])])


def hold_lease(given: dict[str, Any]) -> None:
    """Take the lease of a login, wait, and save one of generation 1."""
    with store_of(given).lease(LoginKey(*given["key"]), patience=10) as lease:
        lease.prepare()
        say("held")
        hear()
        say(outcome(lambda: lease.save(Login(generation=1))))


def crowd(given: dict[str, Any]) -> None:
    """So many processes, let loose together, each with calls of its own. Forked before there is any client."""
    wait, go = os.pipe()
    children = []
    for _ in range(given["processes"]):
        child = os.fork()
        if child == 0:
            with client(given) as api:
                os.close(go)
                os.read(wait, 1)  # ends when the last writer has closed it
                results = []
                for _ in range(given["calls"]):
                    results.append(outcome(api.get_current_user))
                    time.sleep(given["pause"])  # for tokens to end between the calls
            os.write(1, (json.dumps(results) + "\n").encode())  # short enough to be written at once
            os._exit(0)
        children.append(child)
    os.close(go)
    for child in children:
        os.waitpid(child, 0)


def forked(given: dict[str, Any]) -> None:
    """Fork while a refresh is under way in a thread; the child makes a call of its own."""
    api = client(given)
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(outcome(api.get_current_user)))
    thread.start()
    hear()
    child = os.fork()
    if child == 0:
        say("forked")
        result = outcome(api.get_current_user)
        os._exit(0 if result == "ok" else 1)
    thread.join()
    _, status = os.waitpid(child, 0)
    say({"parent": results, "child": os.waitstatus_to_exitcode(status)})


def survived(given: dict[str, Any]) -> None:
    """Fork while a refresh is under way, and leave a child behind that does nothing."""
    api = client(given)
    say("ready")
    hear()
    threading.Thread(target=api.get_current_user, daemon=True).start()
    hear()
    if os.fork() == 0:
        say("forked")
        hear()  # until the test has ended
        os._exit(0)
    signal.pause()


def at_exit(given: dict[str, Any]) -> None:
    """A call when no more threads can be started."""
    api = client(given)
    atexit.register(lambda: say(outcome(api.get_current_user)))


def memory_fork(given: dict[str, Any]) -> None:
    """A login in memory cannot be shared: both would use the one refresh token."""
    store, key = MemoryTokenStore(), LoginKey("localhost", "application")
    if os.fork() == 0:
        say(outcome(lambda: store.lease(key, patience=1).__enter__()))
        os._exit(0)
    os.wait()


def daemon(given: dict[str, Any]) -> None:
    """A call in a daemon thread, and the end of the program meanwhile."""
    api = client(given)
    threading.Thread(target=api.get_current_user, daemon=True).start()
    hear()


def _call_that_is_too_late(given: dict[str, Any]) -> str:
    return outcome(client(given, timeout=0.3).get_current_user)


def _say_that_it_is_too_late(given: dict[str, Any]) -> None:
    say(_call_that_is_too_late(given))


def child(given: dict[str, Any]) -> None:
    """A child of multiprocessing whose call runs out of time, and that ends while the refresh goes on."""
    process = multiprocessing.get_context(given["method"]).Process(target=_say_that_it_is_too_late, args=(given,))
    process.start()
    process.join()
    say(process.exitcode)


def _say_the_process_and_call(given: dict[str, Any]) -> None:
    say(os.getpid())
    client(given).get_current_user()


def interrupted_child(given: dict[str, Any]) -> None:
    """A child of multiprocessing that is to be interrupted in mid-refresh."""
    method = given["method"]
    process = multiprocessing.get_context(method).Process(target=_say_the_process_and_call, args=(given,))
    process.start()
    process.join()
    say(process.exitcode)


def executor(given: dict[str, Any]) -> None:
    """The same in a worker of an executor, which ends with it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context(given["method"])) as workers:
        say(workers.submit(_call_that_is_too_late, given).result())
    say(0)


def no_threads(given: dict[str, Any]) -> None:
    """A call where the system refuses to start a thread: there is no room for a stack of this size."""
    api = client(given)
    threading.stack_size(2**46)
    say(outcome(api.get_current_user))


if __name__ == "__main__":
    from tests.oauth import interrupted_program  # it has the helpers of this module

    mode = sys.argv[1]
    (getattr(interrupted_program, mode, None) or globals()[mode])(hear())
