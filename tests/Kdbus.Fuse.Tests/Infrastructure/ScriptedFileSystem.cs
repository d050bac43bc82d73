namespace Kdbus.Fuse.Tests.Infrastructure;

public delegate void Handler<T>(in T request, FuseReply reply)
    where T : allows ref struct;

/// <summary>Does for each operation what a test says; without a word from the test it fails with ENOSYS, visibly.</summary>
public sealed class ScriptedFileSystem : IFuseFileSystem
{
    public FuseCapabilities? Capabilities { get; private set; }

    public int Destroyed { get; private set; }

    public Handler<LookupRequest> OnLookup { get; set; } = (in r, reply) => reply.Error(38);

    public Action<ulong, ulong> OnForget { get; set; } = (_, _) => { };

    public Handler<GetAttrRequest> OnGetAttr { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<SetAttrRequest> OnSetAttr { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<AccessRequest> OnAccess { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<StatFsRequest> OnStatFs { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<MkNodRequest> OnMkNod { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<OpenRequest> OnOpenDir { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<ReadDirRequest> OnReadDir { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<ReleaseRequest> OnReleaseDir { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<OpenRequest> OnOpen { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<ReadRequest> OnRead { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<WriteRequest> OnWrite { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<FlushRequest> OnFlush { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<ReleaseRequest> OnRelease { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<FSyncRequest> OnFSync { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<LSeekRequest> OnLSeek { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<IoctlRequest> OnIoctl { get; set; } = (in r, reply) => reply.Error(38);

    public Handler<PollRequest> OnPoll { get; set; } = (in r, reply) => reply.Error(38);

    public Action<ulong, HeldReply> OnInterrupt { get; set; } = (_, _) => { };

    public Func<bool> OnHasPutOff { get; set; } = () => false;

    public Action OnAnswerPutOff { get; set; } = () => { };

    public bool HasPutOff => OnHasPutOff();

    public void AnswerPutOff() => OnAnswerPutOff();

    public void Init(FuseCapabilities capabilities) => Capabilities = capabilities;

    public void Destroy() => Destroyed++;

    public void Lookup(in LookupRequest request, FuseReply reply) => OnLookup(in request, reply);

    public void Forget(ulong nodeId, ulong lookups) => OnForget(nodeId, lookups);

    public void GetAttr(in GetAttrRequest request, FuseReply reply) => OnGetAttr(in request, reply);

    public void SetAttr(in SetAttrRequest request, FuseReply reply) => OnSetAttr(in request, reply);

    public void Access(in AccessRequest request, FuseReply reply) => OnAccess(in request, reply);

    public void StatFs(in StatFsRequest request, FuseReply reply) => OnStatFs(in request, reply);

    public void MkNod(in MkNodRequest request, FuseReply reply) => OnMkNod(in request, reply);

    public void OpenDir(in OpenRequest request, FuseReply reply) => OnOpenDir(in request, reply);

    public void ReadDir(in ReadDirRequest request, FuseReply reply) => OnReadDir(in request, reply);

    public void ReleaseDir(in ReleaseRequest request, FuseReply reply) => OnReleaseDir(in request, reply);

    public void Open(in OpenRequest request, FuseReply reply) => OnOpen(in request, reply);

    public void Read(in ReadRequest request, FuseReply reply) => OnRead(in request, reply);

    public void Write(in WriteRequest request, FuseReply reply) => OnWrite(in request, reply);

    public void Flush(in FlushRequest request, FuseReply reply) => OnFlush(in request, reply);

    public void Release(in ReleaseRequest request, FuseReply reply) => OnRelease(in request, reply);

    public void FSync(in FSyncRequest request, FuseReply reply) => OnFSync(in request, reply);

    public void LSeek(in LSeekRequest request, FuseReply reply) => OnLSeek(in request, reply);

    public void Ioctl(in IoctlRequest request, FuseReply reply) => OnIoctl(in request, reply);

    public void Poll(in PollRequest request, FuseReply reply) => OnPoll(in request, reply);

    public void Interrupt(in InterruptRequest request, HeldReply target) => OnInterrupt(request.Target, target);
}
