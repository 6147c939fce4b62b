given("of-rgb__curvestream_50",{"outcomes":"223233313331212331122333","labels":null});
