//! Tables as Parquet, in and out: the only user of polars, behind the feature `tables`.
//!
//! Takes and gives plain columns; what a column means is its owner's business. Without the feature every call says so.

/// A named column. All columns of a table are of one height.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its cells from the first row on; `None` is a missing value.
    pub values: Values,
}

/// The cells of a column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Values {
    /// Text.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Whole(Vec<Option<i64>>),
    /// True or false.
    Flag(Vec<Option<bool>>),
}

/// Why a table could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The program has no Parquet.
    #[error("built without the feature `tables`: no Parquet")]
    WithoutTables,
    /// Not a Parquet file, or a damaged one.
    #[error("not a readable Parquet table: {0}")]
    Damaged(String),
    /// A column of a type which is not supported.
    #[error("the column `{name}` holds {holds}; text, whole numbers, or true and false are expected")]
    ColumnType {
        /// Its name.
        name: String,
        /// Its type.
        holds: String,
    },
    /// The table could not be put together.
    #[error("the table cannot be written: {0}")]
    NotWritten(String),
}

impl Column {
    /// How many rows it has.
    pub fn height(&self) -> usize {
        match &self.values {
            Values::Text(cells) => cells.len(),
            Values::Whole(cells) => cells.len(),
            Values::Flag(cells) => cells.len(),
        }
    }
}

/// The columns of a Parquet file.
///
/// # Errors
/// If it is none, or holds a column of another type than [`Values`] has.
#[cfg(feature = "tables")]
pub fn read_parquet(bytes: Vec<u8>) -> Result<Vec<Column>, TableError> {
    use polars::prelude::{ParquetReader, SerReader};
    // Decoders of damaged columns have been seen to panic; a damaged file is an error like any other.
    let read = std::panic::catch_unwind(|| ParquetReader::new(std::io::Cursor::new(bytes)).finish());
    let frame = match read {
        Ok(Ok(frame)) => frame,
        Ok(Err(error)) => return Err(TableError::Damaged(error.to_string())),
        Err(_) => return Err(TableError::Damaged("the decoder gave up".to_owned())),
    };
    frame.columns().iter().map(column_of).collect()
}

#[cfg(feature = "tables")]
fn column_of(column: &polars::prelude::Column) -> Result<Column, TableError> {
    use polars::prelude::DataType;
    let other = || TableError::ColumnType { name: column.name().to_string(), holds: column.dtype().to_string() };
    let values = if let Ok(cells) = column.str() {
        Values::Text(cells.iter().map(|cell| cell.map(str::to_owned)).collect())
    } else if let Ok(cells) = column.bool() {
        Values::Flag(cells.iter().collect())
    } else if column.dtype().is_integer() {
        let cells = column.strict_cast(&DataType::Int64).map_err(|_| other())?;
        Values::Whole(cells.i64().map_err(|_| other())?.iter().collect())
    } else {
        return Err(other());
    };
    Ok(Column { name: column.name().to_string(), values })
}

/// The bytes of a Parquet file with these columns.
///
/// # Errors
/// If the columns differ in height or share a name.
#[cfg(feature = "tables")]
pub fn write_parquet(columns: Vec<Column>) -> Result<Vec<u8>, TableError> {
    use polars::prelude::{DataFrame, NamedFrom, ParquetCompression, ParquetWriter, Series};
    let not_written = |error: polars::prelude::PolarsError| TableError::NotWritten(error.to_string());
    let height = columns.first().map_or(0, Column::height);
    let columns = columns.into_iter().map(|column| {
        let name = column.name.as_str().into();
        match column.values {
            Values::Text(cells) => Series::new(name, cells),
            Values::Whole(cells) => Series::new(name, cells),
            Values::Flag(cells) => Series::new(name, cells),
        }
        .into()
    });
    let mut frame = DataFrame::new(height, columns.collect()).map_err(not_written)?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Zstd(None)).finish(&mut frame).map_err(not_written)?;
    Ok(bytes)
}

/// Says that there is no Parquet.
///
/// # Errors
/// Always.
#[cfg(not(feature = "tables"))]
pub fn read_parquet(_bytes: Vec<u8>) -> Result<Vec<Column>, TableError> {
    Err(TableError::WithoutTables)
}

/// Says that there is no Parquet.
///
/// # Errors
/// Always.
#[cfg(not(feature = "tables"))]
pub fn write_parquet(_columns: Vec<Column>) -> Result<Vec<u8>, TableError> {
    Err(TableError::WithoutTables)
}
