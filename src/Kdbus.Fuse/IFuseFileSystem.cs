using Kdbus.Linux;

namespace Kdbus.Fuse;

/// <summary>
/// What a file system does: one method per operation, called by the session in the order in which the kernel's requests were read. The request is
/// already parsed and checked; the answer goes through the <see cref="FuseReply"/>, exactly once, before the method returns or later through
/// <see cref="FuseReply.Hold"/>. A method may run while another thread is inside one only if that other one is between
/// <see cref="FuseSession.EnterBlocking"/> and the end of its request; the file system's own lock orders the two.
/// </summary>
/// <remarks>The defaults are those of a file system that has no such operation, chosen so that the kernel stops asking where it can.</remarks>
public interface IFuseFileSystem
{
    /// <summary>The kernel and we agreed; called once, before any other method.</summary>
    void Init(FuseCapabilities capabilities) { }

    /// <summary>No request will follow. Called once at the end of a session that called <see cref="Init"/>, however it ends. A reader that is still stuck then may come
    /// back later and finish its request.</summary>
    void Destroy() { }

    /// <summary>
    /// A reader has got the turn and will read the next request: the one before it may be stuck in a blocking section. What that one has left undone for
    /// others can be done here. Called again from time to time while anybody is stuck. Blocking sections are allowed.
    /// </summary>
    void TurnTaken() { }

    /// <summary>
    /// It holds replies only because another request may change them. Asked before each read; before a read that would wait, and after a few requests,
    /// <see cref="AnswerPutOff"/> is called.
    /// </summary>
    bool HasPutOff => false;

    /// <summary>Answers what was put off.</summary>
    void AnswerPutOff() { }

    void Lookup(in LookupRequest request, FuseReply reply);

    /// <summary>The kernel forgot <paramref name="lookups"/> of the lookups of a node; at 0 it does not know the number any more. Has no answer. Comes from
    /// FORGET and from each entry of BATCH_FORGET, and for the root never.</summary>
    void Forget(ulong nodeId, ulong lookups);

    void GetAttr(in GetAttrRequest request, FuseReply reply);

    void SetAttr(in SetAttrRequest request, FuseReply reply) => reply.Error(SystemError.EPERM);

    void Access(in AccessRequest request, FuseReply reply) => reply.Error(SystemError.ENOSYS);

    void StatFs(in StatFsRequest request, FuseReply reply);

    void MkNod(in MkNodRequest request, FuseReply reply) => reply.Error(SystemError.EPERM);

    void OpenDir(in OpenRequest request, FuseReply reply);

    void ReadDir(in ReadDirRequest request, FuseReply reply);

    void ReleaseDir(in ReleaseRequest request, FuseReply reply);

    void Open(in OpenRequest request, FuseReply reply);

    void Read(in ReadRequest request, FuseReply reply) => reply.Error(SystemError.EINVAL);

    void Write(in WriteRequest request, FuseReply reply) => reply.Error(SystemError.EINVAL);

    void Flush(in FlushRequest request, FuseReply reply) => reply.Error(SystemError.ENOSYS);

    void Release(in ReleaseRequest request, FuseReply reply);

    void FSync(in FSyncRequest request, FuseReply reply) => reply.Error(SystemError.ENOSYS);

    void LSeek(in LSeekRequest request, FuseReply reply) => reply.Error(SystemError.ENOSYS);

    void Ioctl(in IoctlRequest request, FuseReply reply) => reply.Error(SystemError.ENOTTY);

    void Poll(in PollRequest request, FuseReply reply) => reply.Error(SystemError.ENOSYS);

    /// <summary>
    /// A signal arrived at a caller whose request is held, or is with a reader that lost the turn in a blocking section. The caller cannot be killed until
    /// its request is answered, so answer <paramref name="target"/> soon: with EINTR, with an ioctl result of -ERESTARTSYS (-512), or with a
    /// result that happens to be ready. Not answering is allowed (the request then goes on as if there had been no signal); the kernel does not ask twice.
    /// If somebody else answers first, that answer counts and ours reports false.
    /// </summary>
    void Interrupt(in InterruptRequest request, HeldReply target);
}
