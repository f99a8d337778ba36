"""Token stores: where logins are kept. Any object that follows `TokenStore` can be one.

`krebit.testing` has the tests that a store must pass.
"""

from krebit.stores.protocol import Lease, TokenStore
from krebit.stores.record import Login, LoginKey

__all__ = ["Lease", "Login", "LoginKey", "TokenStore"]
