using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse;

/// <summary>
/// Writes one line of text per message, with the name of every opcode and flag. Requests begin with <c>&lt;-</c>, answers with <c>-&gt;</c>, notifications
/// with <c>=&gt;</c>, trouble with <c>!!</c>. It allocates freely: it is for people who look for something, not for production.
/// </summary>
/// <param name="write">Takes a finished line; called on any thread, also at the same time.</param>
public sealed class FuseTextTrace(Action<string> write) : IFuseTrace
{
    public void Received(in FuseInHeader header, ReadOnlySpan<byte> arguments)
    {
        StringBuilder line = Start("<- ").Append(header.Opcode).Append(" #").Append(Number(header.Unique))
            .Append(CultureInfo.InvariantCulture, $" node {header.NodeId} uid {header.Uid} gid {header.Gid} pid {header.Pid}");
        Describe(line, header.Opcode, arguments);
        write(line.ToString());
    }

    public void Answered(FuseOpcode opcode, in FuseOutHeader header, ReadOnlySpan<byte> body, ReadOnlySpan<byte> data, nint result)
    {
        StringBuilder line = Start("-> ").Append(opcode).Append(" #").Append(Number(header.Unique));
        if (header.Error != 0)
            line.Append(CultureInfo.InvariantCulture, $" error {-header.Error}");
        else
            DescribeAnswer(line, opcode, body);
        if (!data.IsEmpty)
            line.Append(CultureInfo.InvariantCulture, $" +{data.Length} bytes");
        if (result < 0)
            line.Append(CultureInfo.InvariantCulture, $" (the kernel says errno {-result})");
        write(line.ToString());
    }

    public void Notified(FuseNotifyCode code, ReadOnlySpan<byte> body, ReadOnlySpan<byte> data, nint result)
    {
        StringBuilder line = Start("=> ").Append(code);
        switch (code)
        {
            case FuseNotifyCode.Poll when Read(body, out FuseNotifyPollOut poll):
                line.Append(CultureInfo.InvariantCulture, $" kh {poll.Kh}");
                break;
            case FuseNotifyCode.InvalInode when Read(body, out FuseNotifyInvalInodeOut inode):
                line.Append(CultureInfo.InvariantCulture, $" node {inode.NodeId} offset {inode.Offset} length {inode.Length}");
                break;
            case FuseNotifyCode.InvalEntry when Read(body, out FuseNotifyInvalEntryOut entry):
                line.Append(CultureInfo.InvariantCulture, $" parent {entry.Parent} name {Text(data)} flags {entry.Flags}");
                break;
            case FuseNotifyCode.Delete when Read(body, out FuseNotifyDeleteOut delete):
                line.Append(CultureInfo.InvariantCulture, $" parent {delete.Parent} child {delete.Child} name {Text(data)}");
                break;
            case FuseNotifyCode.Store when Read(body, out FuseNotifyStoreOut store):
                line.Append(CultureInfo.InvariantCulture, $" node {store.NodeId} offset {store.Offset} size {store.Size}");
                break;
            default:
                break;
        }
        if (result < 0)
            line.Append(CultureInfo.InvariantCulture, $" (the kernel says errno {-result})");
        write(line.ToString());
    }

    public void Problem(string description) => write(Start("!! ").Append(description).ToString());

    private static StringBuilder Start(string direction) => new(direction, 160);

    private static string Number(ulong unique) => (unique & FuseProtocol.ResentBit) == 0
        ? unique.ToString(CultureInfo.InvariantCulture)
        : (unique & ~FuseProtocol.ResentBit).ToString(CultureInfo.InvariantCulture) + " (resent)";

    private static bool Read<T>(ReadOnlySpan<byte> bytes, out T value)
        where T : unmanaged => MemoryMarshal.TryRead(bytes, out value);

    private static string Text(ReadOnlySpan<byte> name)
    {
        int end = name.IndexOf((byte)0);
        return $"\"{Encoding.UTF8.GetString(end < 0 ? name : name[..end])}\"";
    }

    /// <summary>A newer kernel offers more than we have names for; one unknown bit must not turn all names into a number.</summary>
    private static string Names(ulong flags)
    {
        const ulong Known = ((ulong)FuseInitFlags.RequestTimeout << 1) - 1;
        ulong unknown = flags & ~Known;
        return unknown == 0 ? $"{(FuseInitFlags)flags}" : string.Create(CultureInfo.InvariantCulture, $"{(FuseInitFlags)(flags & Known)}, 0x{unknown:x}");
    }

    private static void Describe(StringBuilder line, FuseOpcode opcode, ReadOnlySpan<byte> arguments)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        switch (opcode)
        {
            case FuseOpcode.Init when arguments.Length >= 16:
                var init = new FuseInitIn();
                arguments[..Math.Min(arguments.Length, 64)].CopyTo(MemoryMarshal.AsBytes(new Span<FuseInitIn>(ref init)));
                line.Append(culture, $" version {init.Major}.{init.Minor} flags {Names(init.Flags | ((ulong)init.Flags2 << 32))}");
                break;
            case FuseOpcode.Lookup or FuseOpcode.Unlink or FuseOpcode.RmDir:
                line.Append(" name ").Append(Text(arguments));
                break;
            case FuseOpcode.MkNod when Read(arguments, out FuseMkNodIn node):
                line.Append(culture, $" name {Text(arguments[16..])} mode 0{Convert.ToString(node.Mode, 8)}");
                break;
            case FuseOpcode.Forget when Read(arguments, out FuseForgetIn forget):
                line.Append(culture, $" lookups {forget.NLookup}");
                break;
            case FuseOpcode.BatchForget when Read(arguments, out FuseBatchForgetIn batch):
                line.Append(culture, $" count {batch.Count}");
                break;
            case FuseOpcode.GetAttr when Read(arguments, out FuseGetAttrIn getAttr):
                line.Append(culture, $" flags {getAttr.Flags}");
                break;
            case FuseOpcode.SetAttr when Read(arguments, out FuseSetAttrIn setAttr):
                line.Append(culture, $" fields {setAttr.Valid}");
                break;
            case FuseOpcode.Open or FuseOpcode.OpenDir when Read(arguments, out FuseOpenIn open):
                line.Append(culture, $" flags 0x{open.Flags:x}");
                break;
            case FuseOpcode.Release or FuseOpcode.ReleaseDir when Read(arguments, out FuseReleaseIn release):
                line.Append(culture, $" handle {release.Fh} flags {release.ReleaseFlags}");
                break;
            case FuseOpcode.Flush when Read(arguments, out FuseFlushIn flush):
                line.Append(culture, $" handle {flush.Fh}");
                break;
            case FuseOpcode.Read or FuseOpcode.ReadDir or FuseOpcode.ReadDirPlus when Read(arguments, out FuseReadIn read):
                line.Append(culture, $" handle {read.Fh} offset {read.Offset} size {read.Size}");
                break;
            case FuseOpcode.Write when Read(arguments, out FuseWriteIn write):
                line.Append(culture, $" handle {write.Fh} offset {write.Offset} size {write.Size} flags {write.WriteFlags}");
                break;
            case FuseOpcode.Access when Read(arguments, out FuseAccessIn access):
                line.Append(culture, $" mask {access.Mask}");
                break;
            case FuseOpcode.Ioctl when Read(arguments, out FuseIoctlIn ioctl):
                line.Append(culture, $" handle {ioctl.Fh} cmd 0x{ioctl.Cmd:x8} arg 0x{ioctl.Arg:x} in {ioctl.InSize} out {ioctl.OutSize} flags {ioctl.Flags}");
                break;
            case FuseOpcode.Poll when Read(arguments, out FusePollIn poll):
                line.Append(culture, $" handle {poll.Fh} kh {poll.Kh} events 0x{poll.Events:x} flags {poll.Flags}");
                break;
            case FuseOpcode.Interrupt when Read(arguments, out FuseInterruptIn interrupt):
                line.Append(" of #").Append(Number(interrupt.Unique));
                break;
            default:
                if (!arguments.IsEmpty)
                    line.Append(culture, $" +{arguments.Length} bytes");
                break;
        }
    }

    private static void DescribeAnswer(StringBuilder line, FuseOpcode opcode, ReadOnlySpan<byte> body)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        switch (opcode)
        {
            case FuseOpcode.Init when Read(body, out FuseInitOut init):
                line.Append(culture, $" version {init.Major}.{init.Minor} flags {Names(init.Flags | ((ulong)init.Flags2 << 32))}")
                    .Append(culture, $" max_write {init.MaxWrite} max_pages {init.MaxPages} max_background {init.MaxBackground}");
                break;
            case FuseOpcode.Lookup or FuseOpcode.MkNod when Read(body, out FuseEntryOut entry):
                line.Append(culture, $" node {entry.NodeId} mode 0{Convert.ToString(entry.Attr.Mode, 8)}");
                break;
            case FuseOpcode.GetAttr or FuseOpcode.SetAttr when Read(body, out FuseAttrOut attr):
                line.Append(culture, $" ino {attr.Attr.Ino} mode 0{Convert.ToString(attr.Attr.Mode, 8)} size {attr.Attr.Size}");
                break;
            case FuseOpcode.Open or FuseOpcode.OpenDir when Read(body, out FuseOpenOut open):
                line.Append(culture, $" handle {open.Fh} flags {open.OpenFlags} backing {open.BackingId}");
                break;
            case FuseOpcode.Write when Read(body, out FuseWriteOut write):
                line.Append(culture, $" size {write.Size}");
                break;
            case FuseOpcode.Ioctl when Read(body, out FuseIoctlOut ioctl):
                line.Append(culture, $" result {ioctl.Result}");
                break;
            case FuseOpcode.Poll when Read(body, out FusePollOut poll):
                line.Append(culture, $" revents 0x{poll.Revents:x}");
                break;
            default:
                break;
        }
    }
}
