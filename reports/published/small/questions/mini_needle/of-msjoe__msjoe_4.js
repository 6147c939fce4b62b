given("of-msjoe__msjoe_4",{"outcomes":"332333313333232333333321","labels":null});
