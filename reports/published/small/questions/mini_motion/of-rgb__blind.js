given("of-rgb__blind",{"outcomes":"333333233333333323333332","labels":null});
