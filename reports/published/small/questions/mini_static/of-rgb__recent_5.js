given("of-rgb__recent_5",{"outcomes":"333333333332333333231332","labels":null});
