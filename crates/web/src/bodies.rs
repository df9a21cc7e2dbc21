//! Reads the bodies of requests, within limits of size, time and memory.

use std::{future::Future, pin::pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use config::ServerConfig;
use futures_util::StreamExt;
use poem::{Body, Request, Response, Result, error::ReadBodyError, http::header};
use poem_openapi::auth::{Bearer, BearerAuthorization};
use store::credentials::token;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    auth::Authenticator,
    error::ApiError,
    openapi::{self, Operation, SMALL_BODY},
    paths::Paths,
};

/// The limits of bodies.
pub(crate) struct Bodies {
    limits: ServerConfig,
    authenticator: Authenticator,
    /// One permit for each byte that the bodies of all requests may take.
    memory: Arc<Semaphore>,
    /// The part of the memory for bodies of anonymous clients, so that they leave memory for others.
    anonymous: Arc<Semaphore>,
}

/// The memory of a body.
struct Reserved {
    memory: OwnedSemaphorePermit,
    /// `None` if the token was verified.
    anonymous: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    pub(crate) fn new(limits: &ServerConfig, authenticator: &Authenticator) -> Self {
        // With less memory, the server would reject the longest allowed body every time.
        let memory = limits.body_memory.max(limits.body_limit).min(Semaphore::MAX_PERMITS);
        Self {
            limits: limits.clone(),
            authenticator: authenticator.clone(),
            memory: Arc::new(Semaphore::new(memory)),
            anonymous: Arc::new(Semaphore::new((memory / 4).max(limits.body_limit).min(memory))),
        }
    }

    /// Reads the body of a request before `next` handles the request.
    ///
    /// # Errors
    /// The body is too long, too slow or incomplete, the token is invalid, or the memory of all bodies is in use.
    pub(crate) async fn read<F: Future<Output = Result<Response>>>(
        &self,
        mut request: Request,
        paths: &Paths,
        next: impl FnOnce(Request) -> F,
    ) -> Result<Response> {
        let body = request.take_body();
        if body.is_empty() {
            return next(request).await;
        }
        // Boxed, because most requests do not have a body.
        let read = Box::pin(self.read_bytes(&request, body, paths));
        let read = timeout(self.limits.body_timeout, read).await;
        let (bytes, _reserved) = read.map_err(|_| ApiError::SlowBody)??;
        request.set_body(Body::from(bytes));
        next(request).await
    }

    /// Returns the body and its memory. A body over [`SMALL_BODY`] is only read from a client that may call the
    /// operation.
    async fn read_bytes(
        &self,
        request: &Request,
        body: Body,
        paths: &Paths,
    ) -> Result<(Bytes, Reserved)> {
        let announced = request.header(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let mut length = announced.unwrap_or(0);
        let mut limit = SMALL_BODY.min(self.limits.body_limit);
        let (mut read, mut reserved) = (BytesMut::new(), self.reserved(request)?);
        let mut chunks = pin!(body.into_bytes_stream());
        loop {
            if length > limit {
                // The router rejects a request without an operation.
                let Some(operation) = openapi::find_operation(request, paths) else { break };
                limit = self.raise_limit(request, operation, length).await?;
                if operation.needs_token {
                    reserved.anonymous = None;
                }
            }
            let Some(chunk) = chunks.next().await else { break };
            let chunk = chunk.map_err(ReadBodyError::Io)?;
            self.reserve(request, &mut reserved, chunk.len()).await?;
            read.extend_from_slice(&chunk);
            length = length.max(read.len());
        }
        Ok((read.freeze(), reserved))
    }

    /// Returns the size limit of an operation, for a body of at least `length` bytes.
    async fn raise_limit(
        &self,
        request: &Request,
        operation: &Operation,
        length: usize,
    ) -> Result<usize> {
        let limit = self.limits.body_limit.min(operation.body_limit);
        if length > limit {
            return Err(ReadBodyError::PayloadTooLarge.into());
        }
        if operation.needs_token {
            self.verify(request).await?;
        }
        Ok(limit)
    }

    async fn verify(&self, request: &Request) -> Result<()> {
        let token = Bearer::from_request(request)?.token;
        self.authenticator.authenticate(&token).await?;
        Ok(())
    }

    /// Returns the memory of an empty body.
    fn reserved(&self, request: &Request) -> Result<Reserved, ApiError> {
        let token = Bearer::from_request(request).ok().and_then(|it| token::hash(&it.token));
        let is_known = token.is_some_and(|it| self.authenticator.known_account(&it).is_some());
        let anonymous = if is_known { None } else { Some(permits(&self.anonymous, 0)?) };
        Ok(Reserved { memory: permits(&self.memory, 0)?, anonymous })
    }

    /// Reserves memory for another part of a body. Verifies the token if anonymous clients use all of their memory.
    async fn reserve(
        &self,
        request: &Request,
        reserved: &mut Reserved,
        bytes: usize,
    ) -> Result<(), ApiError> {
        if let Some(anonymous) = &mut reserved.anonymous {
            match permits(&self.anonymous, bytes) {
                Ok(more) => anonymous.merge(more),
                Err(full) => {
                    self.verify(request).await.map_err(|_| full)?;
                    reserved.anonymous = None;
                }
            }
        }
        reserved.memory.merge(permits(&self.memory, bytes)?);
        Ok(())
    }
}

fn permits(memory: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, ApiError> {
    let permits = u32::try_from(bytes).map_err(|_| ApiError::NoBodyMemory)?;
    let reserved = memory.clone().try_acquire_many_owned(permits);
    reserved.map_err(|_| ApiError::NoBodyMemory)
}
