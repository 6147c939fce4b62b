given("of-msjoe__msjoe_8",{"outcomes":"332323311333232353733321","labels":null});
