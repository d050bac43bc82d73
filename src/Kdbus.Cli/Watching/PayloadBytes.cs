using System.Buffers;
using Kdbus.Client.Internal;

namespace Kdbus.Cli.Watching;

/// <summary>Pieces of payload as one.</summary>
internal static class PayloadBytes
{
    /// <summary>All of them, up to where one is cut.</summary>
    public static ReadOnlySequence<byte> Join(IReadOnlyList<PayloadPiece> pieces)
    {
        if (pieces is [{ Kind: not PieceSource.Zeros } only])
            return new ReadOnlySequence<byte>(only.Bytes);
        SequenceBuilder payload = default;
        foreach (PayloadPiece piece in pieces)
        {
            if (piece.Kind == PieceSource.Zeros)
                payload.AddZeros(piece.Size);
            else
                payload.Add(piece.Bytes);
            if (piece.IsCut)
                break;
        }
        return payload.Build();
    }
}
