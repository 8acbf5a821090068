"""Draws a view set with live progress, as a shop's program would: stubs from the .proto files, Plan, ExecutePlan.

Usage: views.py STUBS_FOLDER ADDRESS DESCRIPTION VIEW...

Prints a line on stderr whenever a view is done, and at the end one JSON object with what it saw on stdout; the test
that started it checks the values.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402

from limn.v1 import (  # noqa: E402
    execution_pb2,
    executor_service_pb2,
    executor_service_pb2_grpc,
    image_library_service_pb2,
    image_library_service_pb2_grpc,
    planner_service_pb2,
    planner_service_pb2_grpc,
)

PARENT = "clients/python"


def draw(address, description, views):
    channel = grpc.insecure_channel(address)
    planner = planner_service_pb2_grpc.PlannerServiceStub(channel)
    executor = executor_service_pb2_grpc.ExecutorServiceStub(channel)
    library = image_library_service_pb2_grpc.ImageLibraryServiceStub(channel)

    view_set = planner_service_pb2.ViewSetRequest(
        base=planner_service_pb2.ImageRequest(prompt=description, width_px=128, height_px=128),
        views=[planner_service_pb2.View(view=view) for view in views],
        keywords=["matte"],
        category="footwear",
    )
    request = planner_service_pb2.PlanRequest(parent=PARENT, view_set=view_set)
    plan = planner.Plan(request).plan

    order = executor_service_pb2.ExecutionOrder(parent=PARENT, plan=plan, request_id="views-1")
    images = {}
    progress = []
    for response in executor.ExecutePlan(executor_service_pb2.ExecutePlanRequest(order=order)):
        event = response.event
        if event.WhichOneof("event") == "step_changed":
            step = event.step_changed
            if step.state == execution_pb2.STEP_STATE_COMPLETED and step.step_id not in images:
                images[step.step_id] = step.image
                percent = 100 * len(images) // len(plan.spec.steps)
                progress.append(percent)
                print(f"{percent:3d}%  {step.step_id}", file=sys.stderr, flush=True)
        elif event.WhichOneof("event") == "snapshot":
            last = event.snapshot
    stored = {
        view: library.GetImage(image_library_service_pb2.GetImageRequest(name=name)).image
        for view, name in images.items()
    }
    return {
        "state": execution_pb2.ExecutionState.Name(last.state),
        "progress": progress,
        "views": [step.view for step in plan.spec.steps],
        "seeds": sorted({step.targets[0].seed for step in plan.spec.steps}),
        "images": {view: image.stored_sha256 for view, image in stored.items()},
        "original_prompts": sorted({image.original_prompt for image in stored.values()}),
    }


print(json.dumps(draw(sys.argv[2], sys.argv[3], sys.argv[4:])))
