using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Fuse.Wire;

namespace Kdbus.Conformance.Worlds.Simulated;

/// <summary>
/// From paths to nodes: the walk with its permission checks, and the requests that take a name. Every lookup that a walk takes is given back
/// with a forget, except that of an opened file, which is given back with its release.
/// </summary>
internal sealed class FakePaths(FakeKernel kernel, string root)
{
    /// <summary>A node as LOOKUP or GETATTR told it.</summary>
    public readonly record struct Node(ulong Id, FuseAttr Attributes)
    {
        public bool IsDirectory => (Attributes.Mode & 0xf000) == 0x4000;
    }

    /// <summary>Whether a path leads into the domain; all others are the machine's.</summary>
    public bool IsOfDomain(string path) => path.StartsWith(root, StringComparison.Ordinal);

    /// <summary>Finds a node and takes a lookup of it.</summary>
    public int Find(FakeTask task, FakeCredentials who, string path, out Node node)
    {
        int result = FindRoot(task, out node);
        foreach (string name in Components(path))
        {
            if (result < 0)
                return result;
            Node directory = node;
            result = Lookup(task, who, directory, name, out node);
            kernel.Forget(directory.Id, 1);
        }
        return result;
    }

    /// <summary>Does something with a node.</summary>
    public int With(FakeTask task, FakeCredentials who, string path, Func<Node, int> action)
    {
        int result = Find(task, who, path, out Node node);
        if (result < 0)
            return result;
        result = action(node);
        kernel.Forget(node.Id, 1);
        return result;
    }

    /// <summary>Does something with the directory that a path's last name is, or would be, in.</summary>
    public int WithParent(FakeTask task, FakeCredentials who, string path, Func<Node, string, int> action)
    {
        string[] names = Components(path);
        string parent = string.Join('/', names[..^1].Prepend(root));
        return With(task, who, parent, directory => action(directory, names[^1]));
    }

    /// <summary>LOOKUP, by who must be allowed to search the directory.</summary>
    public int Lookup(FakeTask task, FakeCredentials who, Node directory, string name, out Node node)
    {
        node = default;
        if (!directory.IsDirectory)
            return -(int)Errno.ENOTDIR;
        if (!who.May(directory.Attributes, AccessMode.Execute))
            return -(int)Errno.EACCES;
        FakeRequest request = kernel.Call(task, FuseOpcode.Lookup, directory.Id, Text(name));
        if (request.Error < 0)
            return request.Error;
        FuseEntryOut entry = request.As<FuseEntryOut>();
        node = new Node(entry.NodeId, entry.Attr);
        return entry.NodeId == 0 ? -(int)Errno.ENOENT : 0;
    }

    /// <summary>Removes what is there: UNLINK or RMDIR.</summary>
    public int Remove(FakeTask task, FakeCredentials who, string path, bool isDirectory) => WithParent(task, who, path, (parent, name) =>
        WithChild(task, who, parent, name, child =>
            child.IsDirectory != isDirectory ? -(int)(isDirectory ? Errno.ENOTDIR : Errno.EISDIR)
            : !who.May(parent.Attributes, AccessMode.Write) ? -(int)Errno.EACCES
            : kernel.Call(task, isDirectory ? FuseOpcode.RmDir : FuseOpcode.Unlink, parent.Id, Text(name)).Error));

    /// <summary>Makes what is not there: any request whose arguments end in the new name.</summary>
    public int Make(FakeTask task, FakeCredentials who, string path, FuseOpcode opcode, byte[] before, byte[]? after = null) =>
        WithParent(task, who, path, (parent, name) =>
        {
            int found = WithChild(task, who, parent, name, static _ => 0);
            if (found != -(int)Errno.ENOENT)
                return found < 0 ? found : -(int)Errno.EEXIST;
            if (!who.May(parent.Attributes, AccessMode.Write))
                return -(int)Errno.EACCES;
            return kernel.Call(task, opcode, parent.Id, [.. before, .. Text(name), .. after ?? []]).Error;
        });

    /// <summary>RENAME.</summary>
    public int Rename(FakeTask task, FakeCredentials who, string from, string to) => WithParent(task, who, from, (oldParent, oldName) =>
        WithParent(task, who, to, (newParent, newName) =>
            WithChild(task, who, oldParent, oldName, _ =>
                !who.May(oldParent.Attributes, AccessMode.Write) || !who.May(newParent.Attributes, AccessMode.Write)
                    ? -(int)Errno.EACCES
                    : kernel.Call(
                        task, FuseOpcode.Rename, oldParent.Id, [.. BitConverter.GetBytes(newParent.Id), .. Text(oldName), .. Text(newName)]).Error)));

    /// <summary>SETATTR.</summary>
    public int Change(FakeTask task, Node node, in FuseSetAttrIn change) =>
        kernel.Call(task, FuseOpcode.SetAttr, node.Id, FakeKernel.Bytes(change)).Error;

    /// <summary>Reads a directory: the first time with attributes, as the kernel begins, then without.</summary>
    public int List(FakeTask task, Node directory, out List<string> names)
    {
        names = [];
        FakeRequest open = kernel.Call(task, FuseOpcode.OpenDir, directory.Id, FakeKernel.Bytes(new FuseOpenIn()));
        if (open.Error < 0)
            return open.Error;
        ulong handle = open.As<FuseOpenOut>().Fh;
        ulong offset = 0;
        int result;
        for (; ; )
        {
            bool plus = offset == 0;
            FuseReadIn read = new() { Fh = handle, Offset = offset, Size = 1024 };
            FakeRequest request = kernel.Call(task, plus ? FuseOpcode.ReadDirPlus : FuseOpcode.ReadDir, directory.Id, FakeKernel.Bytes(read));
            result = request.Error;
            if (result < 0 || request.Answer.Length == 0)
                break;
            offset = Take(request.Answer, plus, names);
        }
        kernel.Post(FuseOpcode.ReleaseDir, directory.Id, null, FakeKernel.Bytes(new FuseReleaseIn { Fh = handle }));
        return result;
    }

    /// <summary>A name as requests carry it.</summary>
    public static byte[] Text(string name) => Encoding.UTF8.GetBytes(name + '\0');

    private ulong Take(ReadOnlySpan<byte> entries, bool plus, List<string> names)
    {
        ulong offset = 0;
        while (!entries.IsEmpty)
        {
            ulong node = 0;
            if (plus)
            {
                node = MemoryMarshal.Read<FuseEntryOut>(entries).NodeId;
                entries = entries[Unsafe.SizeOf<FuseEntryOut>()..];
            }
            FuseDirent entry = MemoryMarshal.Read<FuseDirent>(entries);
            string name = Encoding.UTF8.GetString(entries.Slice(Unsafe.SizeOf<FuseDirent>(), (int)entry.NameLen));
            names.Add(name);
            if (name is not ("." or ".."))
                kernel.Forget(node, node == 0 ? 0UL : 1);
            offset = entry.Off;
            entries = entries[((Unsafe.SizeOf<FuseDirent>() + (int)entry.NameLen + 7) & ~7)..];
        }
        return offset;
    }

    private int FindRoot(FakeTask task, out Node node)
    {
        node = new Node(FuseProtocol.RootId, default);
        FakeRequest request = kernel.Call(task, FuseOpcode.GetAttr, FuseProtocol.RootId, FakeKernel.Bytes(new FuseGetAttrIn()));
        if (request.Error == 0)
            node = new Node(FuseProtocol.RootId, request.As<FuseAttrOut>().Attr);
        return request.Error;
    }

    private int WithChild(FakeTask task, FakeCredentials who, Node parent, string name, Func<Node, int> action)
    {
        int result = Lookup(task, who, parent, name, out Node child);
        if (result < 0)
            return result;
        result = action(child);
        kernel.Forget(child.Id, 1);
        return result;
    }

    private string[] Components(string path)
    {
        if (!IsOfDomain(path))
            throw new ArgumentException($"{path} is not in the domain {root}.", nameof(path));
        return path[root.Length..].Split('/', StringSplitOptions.RemoveEmptyEntries);
    }
}
