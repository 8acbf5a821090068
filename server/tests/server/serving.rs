//! One port: health, reflection, unknown methods, size limits, shutdown, and the same services in process.

use crate::support::{Server, config};
use limn_proto::v1::{
    GetCapabilitiesRequest, PlanRequest, catalog_service_client::CatalogServiceClient,
    planner_service_client::PlannerServiceClient,
};
use limn_server::{App, AppError, RunError, lock::DataLock};
use tokio::net::TcpListener;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{
    v1::{self, server_reflection_client::ServerReflectionClient},
    v1alpha,
};

#[tokio::test]
async fn health_speaks_for_the_server_and_for_each_service() {
    let server = Server::start().await;
    let mut health = HealthClient::new(server.channel().await);
    for service in [
        "",
        "limn.v1.PlannerService",
        "limn.v1.PlanStoreService",
        "limn.v1.ExecutorService",
        "limn.v1.ImageLibraryService",
        "limn.v1.CatalogService",
        "limn.v1.DocumentService",
    ] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    server.stop().await;
}

#[tokio::test]
async fn both_versions_of_reflection_list_the_services() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut client = ServerReflectionClient::new(channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(request)).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    assert!(format!("{answer:?}").contains("limn.v1.PlannerService"));

    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
                "limn.v1.PlannerService".to_owned(),
            ),
        ),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let answers = client.server_reflection_info(tokio_stream::once(request)).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    assert!(matches!(
        answer.message_response,
        Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_))
    ));
    server.stop().await;
}

#[tokio::test]
async fn a_message_above_the_limit_is_refused_and_the_limit_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &[("server.max_message_bytes", "65536")]);
    let app = App::open(&config).await.unwrap();
    let channel = app.channel();
    let mut catalog = CatalogServiceClient::new(channel.clone());
    let capabilities = catalog.get_capabilities(GetCapabilitiesRequest {}).await;
    let capabilities = capabilities.unwrap().into_inner();
    assert_eq!(capabilities.max_message_bytes, 65536);
    assert_eq!(capabilities.default_provider, "sketch");
    assert_eq!(capabilities.max_steps, 500);

    let request = PlanRequest {
        session_id: "x".repeat(70_000),
        ..PlanRequest::default()
    };
    let refused = PlannerServiceClient::new(channel)
        .plan(request)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    app.shutdown().await;
}

#[tokio::test]
async fn a_second_app_on_the_same_folder_learns_where_the_first_one_answers() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &[]);
    let app = App::open(&config).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(limn_server::run(app, listener, async {
        let _ = stopped.await;
    }));
    // Whoever can connect finds the address written down.
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut catalog = CatalogServiceClient::new(endpoint.connect().await.unwrap());
    catalog.get_capabilities(GetCapabilitiesRequest {}).await.unwrap();

    let refused = App::open(&config).await.unwrap_err();
    assert!(matches!(refused, AppError::Lock(_)), "{refused}");
    let holder = DataLock::holder(folder.path()).unwrap();
    assert_eq!(holder.address, Some(format!("http://{address}")));

    drop(stop);
    running.await.unwrap().unwrap();
    assert_eq!(DataLock::holder(folder.path()), None);
    App::open(&config).await.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_listener_that_is_open_to_the_network_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::open(&config(folder.path(), &[])).await.unwrap();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = limn_server::run(app, listener, std::future::pending()).await;
    assert!(matches!(refused, Err(RunError::NotLoopback(_))));
}

#[tokio::test]
async fn a_wrong_catalog_leaves_no_data_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let config = config(&data_dir, &[("selection.default_provider", "nobody")]);
    let refused = App::open(&config).await.unwrap_err();
    assert!(matches!(refused, AppError::Catalog(_)), "{refused}");
    assert!(refused.to_string().contains("nobody"), "{refused}");
    assert!(!data_dir.exists());
}
