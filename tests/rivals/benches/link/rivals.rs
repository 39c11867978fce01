//! What others use for such things, without encryption: tarpc over bincode, tonic over HTTP/2.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, task};

use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_bytes::ByteBuf;
use tarpc::server::{BaseChannel, Channel as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_serde::formats::Bincode;
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use tonic::{
    body::Body,
    codegen::http::{Request, Response, uri::PathAndQuery},
    transport::Endpoint,
};
use tonic_prost::ProstCodec;

use crate::{BYTES, Call};

#[tarpc::service]
trait Echo {
    async fn echo(data: ByteBuf) -> ByteBuf;
}

#[derive(Clone)]
struct Answers;

impl Echo for Answers {
    async fn echo(self, _: tarpc::context::Context, _: ByteBuf) -> ByteBuf {
        ByteBuf::from(vec![0x5a; BYTES.1])
    }
}

pub(crate) async fn serve_tarpc(listener: TcpListener) {
    let (stream, _) = listener.accept().await.expect("a client");
    stream.set_nodelay(true).expect("a socket");
    let transport = tarpc::serde_transport::new(Framed::new(stream, LengthDelimitedCodec::new()), Bincode::default());
    let channel = BaseChannel::with_defaults(transport);
    channel.execute(Answers.serve()).for_each(|call| async { drop(tokio::spawn(call)) }).await;
}

pub(crate) async fn tarpc(address: SocketAddr) -> Call {
    let stream = TcpStream::connect(address).await.expect("the server is there");
    stream.set_nodelay(true).expect("a socket");
    let transport = tarpc::serde_transport::new(Framed::new(stream, LengthDelimitedCodec::new()), Bincode::default());
    let client = EchoClient::new(tarpc::client::Config::default(), transport).spawn();
    Arc::new(move || {
        let client = client.clone();
        Box::pin(async move {
            let data = ByteBuf::from(vec![0x5a; BYTES.0]);
            client.echo(tarpc::context::current(), data).await.expect("an answer");
        })
    })
}

#[derive(Clone, PartialEq, prost::Message)]
struct Data {
    #[prost(bytes = "bytes", tag = "1")]
    data: Bytes,
}

/// What tonic's generator would write for a service of one method.
#[derive(Clone)]
struct Service;

impl tonic::server::NamedService for Service {
    const NAME: &'static str = "wx.Echo";
}

impl tonic::codegen::Service<Request<Body>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        struct Method;
        impl tonic::server::UnaryService<Data> for Method {
            type Response = Data;
            type Future = std::future::Ready<Result<tonic::Response<Data>, tonic::Status>>;
            fn call(&mut self, _: tonic::Request<Data>) -> Self::Future {
                std::future::ready(Ok(tonic::Response::new(Data { data: vec![0x5a; BYTES.1].into() })))
            }
        }
        Box::pin(async move { Ok(tonic::server::Grpc::new(ProstCodec::<Data, Data>::default()).unary(Method, request).await) })
    }
}

pub(crate) async fn serve_tonic(listener: TcpListener) {
    let incoming = futures_util::stream::unfold(listener, |listener| async {
        let stream = listener.accept().await.map(|(stream, _)| stream);
        Some((stream, listener))
    });
    let server = tonic::transport::Server::builder().tcp_nodelay(true).add_service(Service);
    server.serve_with_incoming(incoming).await.expect("it serves");
}

pub(crate) async fn tonic(address: SocketAddr) -> Call {
    let endpoint = Endpoint::new(format!("http://{address}")).expect("an address").tcp_nodelay(true);
    let channel = endpoint.connect().await.expect("the server is there");
    Arc::new(move || {
        let channel = channel.clone();
        Box::pin(async move {
            let mut client = tonic::client::Grpc::new(channel);
            client.ready().await.expect("the server is there");
            let data = tonic::Request::new(Data { data: vec![0x5a; BYTES.0].into() });
            let path = PathAndQuery::from_static("/wx.Echo/Echo");
            client.unary(data, path, ProstCodec::<Data, Data>::default()).await.expect("an answer");
        })
    })
}
