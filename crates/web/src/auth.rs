//! Authentication and authorization.
//!
//! The first argument of a protected operation is [`Reader`], [`Writer`], [`Owner`], [`Admin`] or [`AdminSession`].
//! Without this permission, the response is 401 or 403, and the rest of the request is not read.

mod authenticator;
mod caller;
pub(crate) mod passwords;
pub(crate) mod rate_limits;
mod throttle;

use std::ops::Deref;

use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions, SecurityScheme,
    auth::{Bearer, BearerAuthorization},
    registry::Registry,
};
use store::{accounts::Role, tokens::Scope};

pub use authenticator::Authenticator;
pub(crate) use authenticator::TokenKind;
pub use caller::Caller;
pub(crate) use throttle::Throttle;

use crate::{error::ApiError, middleware::RequestId, telemetry};

/// The detail of a 403 for an account without the role admin.
pub(crate) const ADMIN_REQUIRED: &str = "this operation requires the role admin";

macro_rules! deref_to_caller {
    ($($type:ty),+) => {
        $(impl Deref for $type {
            type Target = Caller;

            fn deref(&self) -> &Caller {
                &self.0
            }
        })+
    };
}

deref_to_caller!(Reader, Writer, Owner, Admin, AdminSession);

// Each `rename` becomes a role in the OpenAPI document (see `openapi::security`). `admin_session` becomes two roles,
// `admin` and `session`.

/// A caller with a valid token.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "read", checker = "may_read")]
pub struct Reader(pub Caller);

/// A caller with a session, or with an API token whose scope is `write`.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "write", checker = "may_write")]
pub struct Writer(pub Caller);

/// A caller with a session. An API token can neither create tokens nor change its account.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "session", checker = "may_own")]
pub struct Owner(pub Caller);

/// A caller whose account is an admin.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "admin", checker = "may_manage")]
pub struct Admin(pub Caller);

/// A caller with a session whose account is an admin. A leaked API token of an admin cannot create or change accounts.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "admin_session", checker = "may_manage_accounts")]
pub struct AdminSession(pub Caller);

/// The calling admin, or the reason why the caller is not an admin. Anonymous clients may call the operation.
pub(crate) struct AdminOrAnonymous(pub(crate) Result<Caller, ApiError>);

impl<'a> ApiExtractor<'a> for AdminOrAnonymous {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        AdminSession::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        AdminSession::security_schemes()
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let caller = match Bearer::from_request(request) {
            Ok(bearer) => check(request, &bearer, Permission::ManageAccounts).await,
            Err(_) => Err(ApiError::Unauthorized),
        };
        Ok(Self(caller))
    }
}

async fn may_read(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Permission::Read).await?)
}

async fn may_write(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Permission::Write).await?)
}

async fn may_own(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Permission::Own).await?)
}

async fn may_manage(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Permission::Manage).await?)
}

async fn may_manage_accounts(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Permission::ManageAccounts).await?)
}

/// The permission that an operation requires.
#[derive(PartialEq, Eq)]
enum Permission {
    Read,
    Write,
    Own,
    Manage,
    ManageAccounts,
}

async fn check(
    request: &Request,
    bearer: &Bearer,
    required: Permission,
) -> Result<Caller, ApiError> {
    let authenticator =
        request.data::<Authenticator>().expect("`App::route` sets the authenticator");
    let holder = authenticator.authenticate(&bearer.token).await?;
    telemetry::set_account(holder.account_id);
    let writes = required == Permission::Write || !request.method().is_safe();
    if writes && holder.scope == Scope::Read {
        return Err(ApiError::Forbidden(
            "this token has the scope read, but the operation requires write",
        ));
    }
    let (needs_session, needs_admin) = match required {
        Permission::Read | Permission::Write => (false, false),
        Permission::Own => (true, false),
        Permission::Manage => (false, true),
        Permission::ManageAccounts => (true, true),
    };
    if needs_admin && holder.role != Role::Admin {
        return Err(ApiError::Forbidden(ADMIN_REQUIRED));
    }
    if needs_session && !holder.is_session {
        return Err(ApiError::Forbidden(
            "this operation requires a session token. Log in to get one",
        ));
    }
    Ok(Caller { holder, request_id: RequestId::of(request) })
}
