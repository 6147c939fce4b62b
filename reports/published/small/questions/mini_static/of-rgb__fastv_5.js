given("of-rgb__fastv_5",{"outcomes":"333333332132123333333133","labels":null});
