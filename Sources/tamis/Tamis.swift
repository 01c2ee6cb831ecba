@main enum Tamis { static func main() { print("tamis") } }
