using System.Text;

namespace Kdbus.Fuzz.Serving;

/// <summary>Metadata as somebody finds it, item after item: in a fixed order, each kind once, each as large as its kind is.</summary>
internal sealed class ToldMetadata
{
    private static readonly ItemType[] Order =
    [
        ItemType.Creds, ItemType.Pids, ItemType.AuxGroups, ItemType.TidComm, ItemType.PidComm, ItemType.Exe, ItemType.Cmdline, ItemType.Cgroup, ItemType.Caps,
        ItemType.Seclabel, ItemType.Audit, ItemType.OwnedName, ItemType.ConnDescription, ItemType.Timestamp, ItemType.PidfsId, ItemType.StartTime, ItemType.Pidfd,
    ];

    private int _last = -1;

    /// <summary>The kinds that there are.</summary>
    public AttachFlags Kinds { get; private set; }

    /// <summary>Names owned.</summary>
    public List<string> Names { get; } = [];

    /// <summary>What there is to read about the process.</summary>
    public List<string> Texts { get; } = [];

    /// <summary>Takes the next item.</summary>
    /// <returns>What is wrong with it, or null.</returns>
    public string? Add(in Item item)
    {
        var place = Array.IndexOf(Order, item.Type);
        if (place < 0) return "is none";
        if (place < _last || (place == _last && item.Type != ItemType.OwnedName)) return "is not where it should be";
        _last = place;
        Kinds |= (AttachFlags)(1UL << ((int)item.Type - (int)ItemType.Timestamp));
        if (ItemRules.Check(item.Type, item.Payload) != Errno.OK) return "is malformed";
        switch (item.Type)
        {
            case ItemType.OwnedName:
                Names.Add(Encoding.Latin1.GetString(item.Payload[8..]).TrimEnd('\0'));
                break;
            case ItemType.TidComm or ItemType.PidComm or ItemType.Exe or ItemType.Cmdline or ItemType.Cgroup or ItemType.Seclabel:
                Texts.Add(Encoding.Latin1.GetString(item.String));
                break;
        }

        var isSized = item.Type switch
        {
            ItemType.AuxGroups => item.Payload.Length % 8 == 0,
            ItemType.Caps => item.Payload.Length == 36,
            ItemType.PidfsId or ItemType.StartTime => item.Payload.Length == 8,
            ItemType.Pidfd => item.Payload.Length == 4 && BitConverter.ToInt32(item.Payload) >= -1,
            _ => true,
        };
        return isSized ? null : "has another size or value";
    }
}
