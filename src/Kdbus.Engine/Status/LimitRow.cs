namespace Kdbus.Engine.Status;

/// <summary>A limit of the domain.</summary>
/// <param name="Name">Its name, which is also that of the mount option.</param>
/// <param name="Value">Its value.</param>
/// <param name="Least">The smallest value it may be given.</param>
/// <param name="Most">The largest.</param>
/// <param name="Error">The error beyond it.</param>
/// <param name="Counts">What it counts, per what.</param>
public sealed record LimitRow(string Name, int Value, int Least, int Most, string Error, string Counts);
