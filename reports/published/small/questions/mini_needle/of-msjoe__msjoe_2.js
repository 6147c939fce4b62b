given("of-msjoe__msjoe_2",{"outcomes":"332333311333232331333323","labels":null});
