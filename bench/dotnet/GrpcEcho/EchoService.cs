using Grpc.Core;

namespace Kdbus.Bench.GrpcEcho;

internal sealed class EchoService : Echo.EchoBase
{
    public override Task<Payload> Call(Payload request, ServerCallContext context) => Task.FromResult(request);
}
