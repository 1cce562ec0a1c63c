select *
from t -- ${not a value}
