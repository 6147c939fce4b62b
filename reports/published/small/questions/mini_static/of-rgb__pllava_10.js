given("of-rgb__pllava_10",{"outcomes":"333321333332332333323323","labels":null});
