"""A client as its users would write it: stubs from the .proto files, Plan, ExecutePlan, ReadImage.

Usage: client.py STUBS_FOLDER ADDRESS

Prints one JSON object with what it saw; the test that started it checks the values.
"""

import hashlib
import json
import sys

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (  # noqa: E402
    ProtoReflectionDescriptorDatabase,
)

from limn.plan.v1 import plan_pb2  # noqa: E402
from limn.v1 import (  # noqa: E402
    executor_service_pb2,
    executor_service_pb2_grpc,
    image_library_service_pb2,
    image_library_service_pb2_grpc,
    planner_service_pb2,
    planner_service_pb2_grpc,
)


def error_info(error):
    """The ErrorInfo of a failed call: what a program should branch on."""
    trailers = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info
    raise AssertionError("the status carries no ErrorInfo")


def main(address):
    channel = grpc.insecure_channel(address)
    planner = planner_service_pb2_grpc.PlannerServiceStub(channel)
    executor = executor_service_pb2_grpc.ExecutorServiceStub(channel)
    library = image_library_service_pb2_grpc.ImageLibraryServiceStub(channel)
    parent = "clients/python"

    request = planner_service_pb2.PlanRequest(
        parent=parent,
        image=planner_service_pb2.ImageRequest(
            prompt="a red fox in fresh snow",
            aspect_ratio="16:9",
            style=plan_pb2.STYLE_ILLUSTRATION,
            guidance=None,
            labels={"größe": "klein"},
        ),
    )
    plan = planner.Plan(request).plan
    # The digest needs no library of ours: SHA-256 over the deterministic encoding of the spec.
    own_digest = "sha256:" + hashlib.sha256(plan.spec.SerializeToString(deterministic=True)).hexdigest()

    order = executor_service_pb2.ExecutionOrder(parent=parent, plan=plan, request_id="python-1")
    events = [
        response.event
        for response in executor.ExecutePlan(executor_service_pb2.ExecutePlanRequest(order=order))
    ]
    last = events[-1].snapshot
    image_name = last.steps[0].image

    content = b"".join(
        response.data
        for response in library.ReadImage(image_library_service_pb2.ReadImageRequest(name=image_name))
    )
    image = library.GetImage(image_library_service_pb2.GetImageRequest(name=image_name)).image

    try:
        planner.Plan(planner_service_pb2.PlanRequest(parent=parent))
        refusal = "accepted"
    except grpc.RpcError as error:
        refusal = error_info(error).reason

    print(
        json.dumps(
            {
                "services": sorted(ProtoReflectionDescriptorDatabase(channel).get_services()),
                "digest": plan.digest,
                "own_digest": own_digest,
                "json_digest_survives": json_format.Parse(
                    json_format.MessageToJson(plan.spec), plan_pb2.PlanSpec()
                )
                == plan.spec,
                "events": [event.WhichOneof("event") for event in events],
                "sequences": [event.sequence for event in events],
                "state": last.state,
                "content_sha256": hashlib.sha256(content).hexdigest(),
                "stored_sha256": image.stored_sha256,
                "size_px": [image.width_px, image.height_px],
                "refusal": refusal,
            }
        )
    )


main(sys.argv[2])
