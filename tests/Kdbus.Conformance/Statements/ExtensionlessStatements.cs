using Kdbus.Daemon.Serving;

namespace Kdbus.Conformance.Statements;

/// <summary>A domain that was mounted with <c>extensions=off</c>.</summary>
public class ExtensionlessStatements
{
    [Theory, Worlds(WorldKind.Memory, WorldKind.Mount)]
    public void OFF_01_there_is_no_EXCHANGE(WorldKind world)
    {
        using Scene scene = new(world, new ServerOptions { Extensions = false });
        Peer a = scene.Connect();
        Assert.Equal(Errno.ENOTTY, a.Exchange().Asks().Run().Result);
        Assert.Equal(Errno.ENOTTY, a.Exchange().Receives().Run().Result);
        using Scene other = new(world);
        Assert.Equal(Errno.OK, other.Connect().Exchange().Asks().Run().Result);
    }

    [Theory, Worlds(WorldKind.Memory, WorldKind.Mount)]
    public void OFF_02_all_else_is_there(WorldKind world)
    {
        using Scene scene = new(world, new ServerOptions { Extensions = false });
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(1)));
        Assert.Equal(1UL, b.Receive().Header.Cookie);
    }
}
