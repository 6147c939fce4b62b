given("of-msjoe__msjoe_2",{"outcomes":"212221211121221112212121","labels":null});
