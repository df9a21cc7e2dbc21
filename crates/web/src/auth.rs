//! Who calls. A protected operation begins with [`Reader`], [`Writer`], [`Owner`] or [`Admin`]: before
//! anything else of the request is looked at, strangers are answered 401 and those who may not 403.

mod guard;
pub(crate) mod passwords;
mod throttle;

use std::ops::Deref;

use poem::{Request, Result};
use poem_openapi::{
    SecurityScheme,
    auth::{Bearer, BearerAuthorization},
};
use store::{
    accounts::Role,
    audit::Actor,
    tokens::{Holder, Scope},
};

pub use guard::Guard;
pub(crate) use guard::Kind;
pub(crate) use throttle::Throttle;

use crate::{error::ApiError, middleware::RequestId};

/// Who calls, and by which request.
pub struct Caller {
    holder: Holder,
    request_id: RequestId,
}

impl Caller {
    /// The caller as the one who changes something by this operation.
    pub fn by(&self, action: &'static str) -> Actor {
        let (account_id, token_id) = (Some(self.account_id), Some(self.token_id));
        Actor { account_id, token_id, action, request_id: Some(self.request_id.0.clone()) }
    }
}

impl Deref for Caller {
    type Target = Holder;

    fn deref(&self) -> &Holder {
        &self.holder
    }
}

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

/// A token: of a session, which `POST /sessions` begins, or an API token, which `POST /tokens` makes.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "token", checker = "may_read")]
pub struct Reader(pub Caller);

/// A token that may be used to change things.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "token", checker = "may_write")]
pub struct Writer(pub Caller);

/// A session. An API token that leaks can neither make others nor take over its account.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "token", checker = "may_own")]
pub struct Owner(pub Caller);

/// A session or an API token of an admin; one to read is enough to read.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "token", checker = "may_manage")]
pub struct Admin(pub Caller);

async fn may_read(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Need::Read).await?)
}

async fn may_write(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Need::Write).await?)
}

async fn may_own(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Need::Own).await?)
}

async fn may_manage(request: &Request, bearer: Bearer) -> Result<Caller> {
    Ok(check(request, &bearer, Need::Manage).await?)
}

/// The admin who calls an operation that is open to others at times.
pub(crate) async fn admin(request: &Request) -> Result<Caller, ApiError> {
    let bearer = Bearer::from_request(request).map_err(|_| ApiError::Unauthorized)?;
    check(request, &bearer, Need::Manage).await
}

/// What an operation needs.
#[derive(PartialEq, Eq)]
enum Need {
    Read,
    Write,
    Own,
    Manage,
}

async fn check(request: &Request, bearer: &Bearer, need: Need) -> Result<Caller, ApiError> {
    let guard = request.data::<Guard>().expect("`routes` puts it around every operation");
    let holder = guard.holder(&bearer.token).await?;
    telemetry::is_by(holder.account_id);
    let writes = need == Need::Write || !request.method().is_safe();
    if writes && holder.scope == Scope::Read {
        return Err(ApiError::Forbidden("this token may only read"));
    }
    match need {
        Need::Own if !holder.is_session => {
            Err(ApiError::Forbidden("an API token may not do this: log in"))
        }
        Need::Manage if holder.role != Role::Admin => {
            Err(ApiError::Forbidden("only admins may do this"))
        }
        Need::Read | Need::Write | Need::Own | Need::Manage => {
            Ok(Caller { holder, request_id: RequestId::of(request) })
        }
    }
}
