import GRDB

/// The tables, by migrations that are never changed once released: a later version adds its own.
enum CatalogSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 journal") { database in
      try database.execute(
        sql: """
          CREATE TABLE claim (
            ordinal INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, path TEXT NOT NULL,
            size INTEGER NOT NULL, modified INTEGER NOT NULL, inode INTEGER NOT NULL,
            state TEXT NOT NULL, samples INTEGER NOT NULL DEFAULT 0, accepted INTEGER NOT NULL DEFAULT 0,
            kept INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0,
            rejected TEXT NOT NULL DEFAULT '{}', dropped TEXT NOT NULL DEFAULT '{}',
            disposed INTEGER NOT NULL DEFAULT 0, claimed_at REAL NOT NULL, changed_at REAL
          ) STRICT;
          CREATE TABLE generation (
            number INTEGER PRIMARY KEY, claims INTEGER NOT NULL, cause TEXT NOT NULL, recipe TEXT NOT NULL,
            fitted INTEGER NOT NULL DEFAULT 0, begun_at REAL NOT NULL, fitted_at REAL
          ) STRICT;
          CREATE TABLE seal (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, samples INTEGER NOT NULL,
            bytes INTEGER NOT NULL, entry TEXT NOT NULL, published INTEGER NOT NULL DEFAULT 0,
            sealed_at REAL NOT NULL, published_at REAL
          ) STRICT;
          CREATE TABLE status (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT;
          """)
    }
    migrator.registerMigration("2 fields of every published sample") { database in
      try database.execute(
        sql: """
          CREATE TABLE fields (
            id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL, fixed_at REAL NOT NULL
          ) STRICT;
          """)
    }
    return migrator
  }
}
