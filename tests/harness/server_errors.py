"""What the nodes' logs say of answers that no application should get: 5xx other than 503, which says that nothing is wrong but the moment."""

import threading

UNAVAILABLE = 503
LINES_AROUND = 8


class ServerErrors:
    """Each such answer with what its node logged just then, kept and printed: a rare one need not be met twice to be understood."""

    def __init__(self):
        self.found = []
        self.lock = threading.Lock()

    def note(self, node, asked, status, request):
        """`request`: the id that the answer carries, and every line of the log that is about it."""
        if status < 500 or status == UNAVAILABLE:
            return
        told = f"{asked} was answered {status} by node {node.number}, request {request}:\n{lines_about(node, request)}"
        print(told)
        with self.lock:
            self.found.append(told)

    def watch(self, client, node):
        """Notes those that come to a boto3 client, too."""
        def look(http_response, model, **_):
            self.note(node, model.name, http_response.status_code, http_response.headers.get("x-amz-request-id", ""))

        client.meta.events.register("after-call.s3", look)
        return client


def lines_about(node, request):
    lines = node.log_text().splitlines()
    about = [at for at, line in enumerate(lines) if request and request in line]
    if not about:
        return f"nothing in its log; the end of it:\n{node.log_tail(LINES_AROUND)}"
    return "\n".join(lines[max(0, about[0] - LINES_AROUND):about[-1] + LINES_AROUND])
