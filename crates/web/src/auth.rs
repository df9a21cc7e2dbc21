//! Authentication and authorization.
//!
//! The first argument of a protected operation is [`Reader`], [`Writer`], [`Owner`] or [`Admin`]. Without this
//! permission, the response is 401 or 403, and the rest of the request is not read.

mod authenticator;
mod caller;
pub(crate) mod passwords;
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

deref_to_caller!(Reader, Writer, Owner, Admin);

// The OpenAPI document lists these names as roles of one security scheme, see `openapi::security`.

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

/// The calling admin, or the reason why the caller is not an admin. Anonymous clients may call the operation.
pub(crate) struct AdminOrAnonymous(pub(crate) Result<Caller, ApiError>);

impl<'a> ApiExtractor<'a> for AdminOrAnonymous {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Admin::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        Admin::security_schemes()
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
            Ok(bearer) => check(request, &bearer, Permission::Manage).await,
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

/// The permission that an operation requires.
#[derive(PartialEq, Eq)]
enum Permission {
    Read,
    Write,
    Own,
    Manage,
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
    match required {
        Permission::Own if !holder.is_session => {
            Err(ApiError::Forbidden("this operation requires a session token: log in"))
        }
        Permission::Manage if holder.role != Role::Admin => {
            Err(ApiError::Forbidden("this operation requires the role admin"))
        }
        Permission::Read | Permission::Write | Permission::Own | Permission::Manage => {
            Ok(Caller { holder, request_id: RequestId::of(request) })
        }
    }
}
