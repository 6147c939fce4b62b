given("of-cope__blind",{"outcomes":"321332333333233332332233","labels":null});
