import Shards

/// Target `npy`: the input is a `.npy` file.
func fuzzNpy(_ bytes: [UInt8]) {
  do throws(NpyError) {
    let reader = try NpyReader(path: MemoryFile.write(bytes))
    let rows = try reader.rows(0..<reader.rowCount)
    require(rows.count == reader.rowCount * reader.rowBytes, "\(rows.count) bytes of rows")
    require(rows.count < bytes.count, "more values than the file has bytes")
    require(reader.shape.reduce(1, *) * reader.type.bytes == rows.count, "the shape is another")
    for row in 0..<min(reader.rowCount, 4) {
      let range = row * reader.rowBytes..<(row + 1) * reader.rowBytes
      let one = try reader.rows(row..<row + 1)
      require(one.elementsEqual(rows[range]), "row \(row) alone is another")
    }
    readValues(reader)
    checkRoundTrip(reader, rows)
  } catch { require(!error.message.isEmpty, "an error without words") }
}

/// Every way to read values; each may refuse the type or the shape.
private func readValues(_ reader: borrowing NpyReader) {
  let items = reader.rowCount * reader.rowItems
  do throws(NpyError) {
    require(try reader.floats(0..<reader.rowCount).count == items, "floats missing")
  } catch {}
  do throws(NpyError) { require(try reader.doubles().count == items, "doubles missing") } catch {}
  func vector<Value: NpyValue>(_ type: Value.Type) {
    do throws(NpyError) { require(try reader.vector(of: type).count == items, "\(type) missing") } catch {}
  }
  vector(Bool.self)
  vector(UInt8.self)
  vector(Int32.self)
  vector(Int64.self)
  vector(UInt32.self)
  vector(UInt64.self)
  vector(Float16.self)
  vector(Float.self)
  vector(Double.self)
}

/// The rows written again in our own form are read as the same rows.
private func checkRoundTrip(_ reader: borrowing NpyReader, _ rows: [UInt8]) {
  let header = NpyHeader(type: reader.type, shape: reader.shape).bytes()
  require(header.count % 64 == 0, "a header of \(header.count) bytes")
  do throws(NpyError) {
    let again = try NpyReader(path: MemoryFile.write(header + rows, to: 1))
    require(again.type == reader.type && again.shape == reader.shape, "another type or shape")
    require(try again.rows(0..<again.rowCount) == rows, "other rows")
  } catch { fatalError("invariant broken: what we wrote we do not read: \(error.message)") }
}
