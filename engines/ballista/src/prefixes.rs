//! The prefixes which a query asks for.
//!
//! Takes the conditions of a query; gives prefixes to which every row that fulfils them is related, or nothing if there are rows of any prefix. The condition itself is checked afterwards
//! by the engine: here it is only said what need not be read.

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, ColumnarValue, Expr, Operator, ScalarUDF, Volatility, create_udf};
use ipnet::IpNet;
use std::sync::Arc;

/// The column of prefixes, in every table which has one.
pub const PREFIX: &str = "prefix";
/// The name of the function in SQL.
pub const WITHIN: &str = "within";

/// Prefixes to which everything that all conditions allow is related; `None` if that may be anything.
pub fn asked_for(conditions: &[Expr]) -> Option<Vec<IpNet>> {
    conditions.iter().filter_map(of).min_by_key(Vec::len)
}

/// The same of one condition.
pub fn of(condition: &Expr) -> Option<Vec<IpNet>> {
    if let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition {
        return of_two(left, *op, right);
    }
    if let Expr::InList(InList { expr, list, negated: false }) = condition {
        return if is_prefix(expr) { list.iter().map(literal).collect() } else { None };
    }
    // Of every other condition nothing is known.
    let Expr::ScalarFunction(call) = condition else { return None };
    let [column, net] = call.args.as_slice() else { return None };
    if call.name() == WITHIN && is_prefix(column) { Some(vec![literal(net)?]) } else { None }
}

fn of_two(left: &Expr, op: Operator, right: &Expr) -> Option<Vec<IpNet>> {
    if op == Operator::And {
        return [of(left), of(right)].into_iter().flatten().min_by_key(Vec::len);
    }
    if op == Operator::Or {
        let mut both = of(left)?;
        both.extend(of(right)?);
        return Some(both);
    }
    let value = [(left, right), (right, left)].into_iter().find(|(column, _)| op == Operator::Eq && is_prefix(column))?.1;
    Some(vec![literal(value)?])
}

fn is_prefix(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(column) if column.name == PREFIX)
}

fn literal(expr: &Expr) -> Option<IpNet> {
    let Expr::Literal(value, _) = expr else { return None };
    value.try_as_str()??.parse::<IpNet>().ok().map(|net| net.trunc())
}

/// `within(prefix, net)`: whether a prefix is `net`, or inside of it.
pub fn within() -> ScalarUDF {
    create_udf(WITHIN, vec![DataType::Utf8, DataType::Utf8], DataType::Boolean, Volatility::Immutable, Arc::new(is_within))
}

fn is_within(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let [prefixes, nets] = arguments else { return exec_err!("within takes a prefix and a network") };
    let net_of = |text: &str| match text.parse::<IpNet>() {
        Ok(net) => Ok(net),
        Err(_) => exec_err!("within: `{text}` is no network; write one like 192.0.2.0/24"),
    };
    // A network is mostly the same for all rows.
    let fixed = match nets {
        ColumnarValue::Scalar(ScalarValue::Utf8(Some(text))) => Some(net_of(text)?),
        ColumnarValue::Scalar(_) | ColumnarValue::Array(_) => None,
    };
    let rows = ColumnarValue::values_to_arrays(arguments)?;
    let (texts, nets): (&StringArray, &StringArray) = (as_string_array(&rows[0])?, as_string_array(&rows[1])?);
    let row = |place: usize| -> Result<Option<bool>> {
        if texts.is_null(place) || nets.is_null(place) {
            return Ok(None);
        }
        let net = fixed.map_or_else(|| net_of(nets.value(place)), Ok)?;
        Ok(Some(texts.value(place).parse::<IpNet>().is_ok_and(|prefix| net.contains(&prefix))))
    };
    let told = (0..texts.len()).map(row).collect::<Result<BooleanArray>>()?;
    match prefixes {
        ColumnarValue::Scalar(_) if told.len() == 1 => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&told, 0)?)),
        ColumnarValue::Scalar(_) | ColumnarValue::Array(_) => Ok(ColumnarValue::Array(Arc::new(told) as ArrayRef)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{col, lit};

    fn nets(texts: &[&str]) -> Option<Vec<IpNet>> {
        Some(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn what_cannot_be_of_any_prefix_names_those_it_can_be_of() {
        let (one, other) = (col(PREFIX).eq(lit("192.0.2.0/24")), lit("2001:db8::/32").eq(col(PREFIX)));
        let within = |net: &str| within().call(vec![col(PREFIX), lit(net)]);
        assert_eq!(of(&one), nets(&["192.0.2.0/24"]));
        assert_eq!(of(&one.clone().or(other.clone())), nets(&["192.0.2.0/24", "2001:db8::/32"]));
        assert_eq!(of(&one.clone().and(col("peer_asn").gt(lit(1)))), nets(&["192.0.2.0/24"]));
        assert_eq!(of(&one.clone().or(col("peer_asn").gt(lit(1)))), None, "the other side may be true of any");
        assert_eq!(
            of(&col(PREFIX).in_list(vec![lit("10.0.0.0/8"), lit("192.0.2.7/24")], false)),
            nets(&["10.0.0.0/8", "192.0.2.0/24"])
        );
        assert_eq!(of(&col(PREFIX).in_list(vec![lit("10.0.0.0/8")], true)), None);
        assert_eq!(of(&col(PREFIX).not_eq(lit("10.0.0.0/8"))), None);
        assert_eq!(of(&col(PREFIX).eq(lit("no prefix"))), None);
        assert_eq!(asked_for(&[within("10.0.0.0/8"), col("origin").eq(lit(1))]), nets(&["10.0.0.0/8"]));
    }
}
