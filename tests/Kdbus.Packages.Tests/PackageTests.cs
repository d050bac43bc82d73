using System.Diagnostics;
using System.IO.Compression;
using Kdbus.Testing;

namespace Kdbus.Packages.Tests;

/// <summary>What a user gets who takes the packages, and not the sources.</summary>
[Trait("Speed", "Slow")]
public sealed class PackageTests(PackageFeed feed) : IClassFixture<PackageFeed>
{
    [Theory]
    [InlineData("Kdbus.Client", "lib/net10.0/Kdbus.Client.xml")]
    [InlineData("Kdbus.Client", "analyzers/dotnet/cs/Kdbus.Generators.dll")]
    [InlineData("Kdbus.Client", "README.md")]
    [InlineData("Kdbus.Client.Hosting", "lib/net10.0/Kdbus.Client.Hosting.dll")]
    [InlineData("Kdbus.Client.MemoryPack", "lib/net10.0/Kdbus.Client.MemoryPack.dll")]
    [InlineData("Kdbus.Testing", "lib/net10.0/kdbusfs.dll")]
    public async Task A_package_has_what_belongs_to_it(string package, string file)
    {
        await using ZipArchive archive = await ZipFile.OpenReadAsync(Path.Combine(feed.Place, "feed", $"{package}.{feed.Version}.nupkg"), TestContext.Current.CancellationToken);
        Assert.Contains(file, archive.Entries.Select(static entry => entry.FullName), StringComparer.Ordinal);
    }

    [Fact]
    public void Symbols_are_packed_beside_each_package() =>
        Assert.Equal(6, Directory.GetFiles(Path.Combine(feed.Place, "feed"), $"*.{feed.Version}.snupkg").Length);

    [Fact]
    public async Task A_sample_is_published_with_native_code_without_a_warning_and_talks()
    {
        string project = Path.Combine(feed.Place, "typed");
        Directory.CreateDirectory(project);
        foreach (string source in Directory.GetFiles(Path.Combine(PackageFeed.Root, "samples", "dotnet", "Typed"), "*.cs"))
            File.Copy(source, Path.Combine(project, Path.GetFileName(source)));
        await File.WriteAllTextAsync(
            Path.Combine(project, "typed.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <PublishAot>true</PublishAot>
                <InvariantGlobalization>true</InvariantGlobalization>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NoWarn>$(NoWarn);NU1603</NoWarn>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Kdbus.Client" Version="{feed.Version}" />
              </ItemGroup>
            </Project>
            """,
            TestContext.Current.CancellationToken);
        string said = await feed.DotnetAsync(project, "publish", "-c", "Release", "-o", "out");
        Assert.DoesNotContain("warning", said, StringComparison.OrdinalIgnoreCase);

        await using TestBus bus = await TestBus.StartAsync(new() { Transport = TestTransport.Mounted }, TestContext.Current.CancellationToken);
        string program = Path.Combine(project, "out", "typed");
        using Process service = Process.Start(new ProcessStartInfo(program, ["service", bus.Path!]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
        try
        {
            Assert.Equal("service: ready", await service.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
            string client = await PackageFeed.RunAsync(new ProcessStartInfo(program, ["client", bus.Path!]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true });
            Assert.Contains("20 + 22 = 42", client, StringComparison.Ordinal);
            Assert.Contains("tick 3", client, StringComparison.Ordinal);
            Assert.Contains("org.example.Clock.Error.TooFast", client, StringComparison.Ordinal);
        }
        finally
        {
            service.StandardInput.Close();
            await service.WaitForExitAsync(CancellationToken.None);
        }
    }
}
