# Generated from openapi.yaml by `make regenerate`; do not edit.
"""The records of requests and answers, each loaded when it is first asked for."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .act import Act
    from .act_created import ActCreated
    from .act_data_envelope import ActDataEnvelope
    from .act_data_point import ActDataPoint
    from .act_envelope import ActEnvelope
    from .authorization_code_grant import AuthorizationCodeGrant
    from .client_page import ClientPage
    from .client_record import ClientRecord
    from .client_record_envelope import ClientRecordEnvelope
    from .current_user import CurrentUser
    from .current_user_envelope import CurrentUserEnvelope
    from .error_message import ErrorMessage
    from .o_auth_error import OAuthError
    from .organization import Organization
    from .page_link import PageLink
    from .page_links import PageLinks
    from .page_meta import PageMeta
    from .refresh_token_grant import RefreshTokenGrant
    from .token_pair import TokenPair
    from .validation_errors import ValidationErrors
    from .validation_errors_errors import ValidationErrorsErrors
    from .webhook_event import WebhookEvent
    from .webhook_store_request import WebhookStoreRequest
    from .webhook_subscription import WebhookSubscription
    from .webhook_subscription_envelope import WebhookSubscriptionEnvelope

__all__ = (
    "Act",
    "ActCreated",
    "ActDataEnvelope",
    "ActDataPoint",
    "ActEnvelope",
    "AuthorizationCodeGrant",
    "ClientPage",
    "ClientRecord",
    "ClientRecordEnvelope",
    "CurrentUser",
    "CurrentUserEnvelope",
    "ErrorMessage",
    "OAuthError",
    "Organization",
    "PageLink",
    "PageLinks",
    "PageMeta",
    "RefreshTokenGrant",
    "TokenPair",
    "ValidationErrors",
    "ValidationErrorsErrors",
    "WebhookEvent",
    "WebhookStoreRequest",
    "WebhookSubscription",
    "WebhookSubscriptionEnvelope",
)

_MODULES = {
    "Act": "act",
    "ActCreated": "act_created",
    "ActDataEnvelope": "act_data_envelope",
    "ActDataPoint": "act_data_point",
    "ActEnvelope": "act_envelope",
    "AuthorizationCodeGrant": "authorization_code_grant",
    "ClientPage": "client_page",
    "ClientRecord": "client_record",
    "ClientRecordEnvelope": "client_record_envelope",
    "CurrentUser": "current_user",
    "CurrentUserEnvelope": "current_user_envelope",
    "ErrorMessage": "error_message",
    "OAuthError": "o_auth_error",
    "Organization": "organization",
    "PageLink": "page_link",
    "PageLinks": "page_links",
    "PageMeta": "page_meta",
    "RefreshTokenGrant": "refresh_token_grant",
    "TokenPair": "token_pair",
    "ValidationErrors": "validation_errors",
    "ValidationErrorsErrors": "validation_errors_errors",
    "WebhookEvent": "webhook_event",
    "WebhookStoreRequest": "webhook_store_request",
    "WebhookSubscription": "webhook_subscription",
    "WebhookSubscriptionEnvelope": "webhook_subscription_envelope",
}

if not TYPE_CHECKING:

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
