given("of-cope__cope_residual",{"outcomes":"123332311223312331332233","labels":null});
