namespace System.Runtime.CompilerServices;

/// <summary>What the compiler wants for records, and this framework does not have.</summary>
internal static class IsExternalInit;
